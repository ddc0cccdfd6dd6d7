//! Whether a window can be opened here.

/// Whether this machine has a display that answers. Only what costs no time is tried; a connection to another host
/// is taken at its word.
#[must_use]
pub fn display_available() -> bool {
    #[cfg(unix)]
    return unix::available(|key| std::env::var(key).ok());
    #[cfg(not(unix))]
    true
}

#[cfg(unix)]
mod unix {
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};

    pub(super) fn available(variable: impl Fn(&str) -> Option<String>) -> bool {
        if cfg!(target_os = "macos") {
            return true;
        }
        let set = |key: &str| variable(key).filter(|value| !value.is_empty());
        let wayland = set("WAYLAND_DISPLAY").is_some_and(|name| {
            let folder = set("XDG_RUNTIME_DIR").unwrap_or_default();
            // `join` takes an absolute name as it is.
            UnixStream::connect(Path::new(&folder).join(name)).is_ok()
        });
        wayland || set("DISPLAY").is_some_and(|name| x11(&name))
    }

    fn x11(name: &str) -> bool {
        let Some((host, rest)) = name.rsplit_once(':') else { return false };
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if number.is_empty() {
            return false;
        }
        if !host.is_empty() && host != "unix" {
            return true;
        }
        let socket = PathBuf::from(format!("/tmp/.X11-unix/X{number}"));
        UnixStream::connect(socket).is_ok() || abstract_socket(&number)
    }

    #[cfg(target_os = "linux")]
    fn abstract_socket(number: &str) -> bool {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("/tmp/.X11-unix/X{number}");
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name);
        address.is_ok_and(|address| UnixStream::connect_addr(&address).is_ok())
    }

    #[cfg(not(target_os = "linux"))]
    fn abstract_socket(_number: &str) -> bool {
        false
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn with(pairs: &'static [(&str, &str)]) -> bool {
            available(|key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
        }

        #[test]
        fn nothing_set_is_no_display() {
            assert!(!with(&[]));
            assert!(!with(&[("DISPLAY", ""), ("WAYLAND_DISPLAY", "")]));
        }

        #[test]
        fn a_display_whose_socket_does_not_answer_is_none() {
            assert!(!with(&[("DISPLAY", ":54321")]));
            assert!(!with(&[("WAYLAND_DISPLAY", "wayland-54321"), ("XDG_RUNTIME_DIR", "/nonexistent")]));
        }

        #[test]
        fn a_display_on_another_host_is_taken_at_its_word() {
            assert!(with(&[("DISPLAY", "localhost:10.0")]));
        }
    }
}
