//! Names the commit in the program, and gives the Windows program its icon.

use std::path::Path;
use std::process::Command;

fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// What to watch so that the commit stays true: the head, and the branch it points at.
fn watch_head() {
    let Some(head) = std::fs::read_to_string(".git/HEAD").ok() else { return };
    println!("cargo:rerun-if-changed=.git/HEAD");
    if let Some(branch) = head.trim().strip_prefix("ref: ") {
        for file in [format!(".git/{branch}"), ".git/packed-refs".to_owned()] {
            if Path::new(&file).exists() {
                println!("cargo:rerun-if-changed={file}");
            }
        }
    }
}

#[cfg(windows)]
fn windows_resource() {
    let mut resource = winresource::WindowsResource::new();
    resource.set_icon("assets/icon.ico");
    if let Err(error) = resource.compile() {
        println!("cargo:warning=the icon is left out: {error}");
    }
}

#[cfg(not(windows))]
fn windows_resource() {}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    watch_head();
    println!("cargo:rustc-env=METERWRIGHT_COMMIT={}", commit().unwrap_or_else(|| "unknown".to_owned()));
    windows_resource();
}
