//! What the tests of the command line share: the real binary over a store of its own, and a fleet to read.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use meterwright::model::{MeterConfig, MeterSecrets, SecretKind};
use meterwright::simulator::{Fleet, FleetOptions, Framing};
use serde_json::Value;

/// How the program ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The real binary over a store of its own.
pub(crate) struct Program {
    pub(crate) folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable of the environment for every run.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meterwright"));
        command.arg("--store").arg(self.path("test.db")).args(words);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        command.env_remove("RUST_LOG").envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        let output = self.command(words).output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what has to go well; gives standard output.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let ended = self.run(words);
        assert_eq!(ended.code, 0, "{words:?}: {}{}", ended.err, ended.out);
        ended.out
    }

    /// Runs with `--json` and gives the document.
    pub(crate) fn json(&self, words: &[&str], code: i32) -> Value {
        let ended = self.run(&[words, &["--json"]].concat());
        assert_eq!(ended.code, code, "{words:?}: {}{}", ended.err, ended.out);
        serde_json::from_str(&ended.out).unwrap()
    }

    /// Adds a meter of a fleet as a user would.
    pub(crate) fn add(&mut self, config: &MeterConfig, secrets: &MeterSecrets) {
        let mut words: Vec<String> = ["meter", "add", &config.name, "--quiet"].map(str::to_owned).to_vec();
        let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        option("line", config.line.to_string());
        option("template", config.template.clone());
        option("auth", config.auth.to_string());
        option("security", config.security.to_string());
        for (name, value) in [
            ("serial", config.serial.clone()),
            ("client", config.client.map(|client| client.to_string())),
            ("address", config.address.map(|address| address.to_string())),
            ("group", config.group.clone()),
            ("time-zone", config.time_zone.clone()),
        ] {
            if let Some(value) = value {
                option(name, value);
            }
        }
        for (kind, word) in SecretKind::ALL {
            let Some(secret) = secrets.get(kind) else { continue };
            let variable = format!("SECRET_{}", word.replace('-', "_"));
            let hex: String = secret.expose().iter().map(|octet| format!("{octet:02X}")).collect();
            let text = if kind.is_key() { hex } else { format!("hex:{hex}") };
            option("secret", format!("{word}=env:{variable}"));
            self.environment.retain(|(name, _)| *name != variable);
            self.environment.push((variable, text));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.ok(&words);
    }
}

/// A fleet on loopback.
pub(crate) fn fleet(meters: u32, framing: Framing) -> Fleet {
    Fleet::start(&FleetOptions {
        meters,
        template: "dlms-generic".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        framing,
        seed: 7,
        faults: Vec::new(),
    })
    .unwrap()
}
