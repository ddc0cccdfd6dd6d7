//! How many files and sockets this process may have open.

/// Lets this process open `wanted` files, or as many as the account may; gives how many that are now.
#[cfg(unix)]
#[must_use]
pub fn allow_open_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return current;
    }
    let most = limit.maximum.map_or(wanted, |most| most.min(wanted));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum }) {
        Ok(()) => most,
        Err(_) => current,
    }
}

/// Lets this process open `wanted` files, or as many as the account may; gives how many that are now.
#[cfg(not(unix))]
#[must_use]
pub fn allow_open_files(wanted: u64) -> u64 {
    // Sockets are no files here, and their number has no such limit.
    wanted
}
