//! `--secret KIND=env:NAME|file:PATH|prompt`: secrets are never arguments.

use std::io::IsTerminal;

use zeroize::Zeroizing;

use crate::model::{Secret, SecretKind};

use super::failure::Failure;

/// Longest secret file: a secret is a line, not a picture.
const LONGEST: u64 = 64 * 1024;

/// No message repeats what was typed: it may be the secret itself.
fn hint(kind: SecretKind) -> Failure {
    let word = kind.word();
    Failure::usage(format!(
        "a secret is never an argument: write --secret {word}=env:NAME, {word}=file:PATH or {word}=prompt"
    ))
}

/// Before where the passphrase of whoever acts is.
const ACTING: &str = "passphrase=";
/// Before where a passphrase that is set is.
const FRESH: &str = "new-passphrase=";

/// Whether this is a person's passphrase and no meter's secret.
pub(super) fn is_of_a_person(argument: &str) -> bool {
    argument.starts_with(ACTING) || argument.starts_with(FRESH)
}

/// Gets every secret of a meter from where it is said to be. Where the store has people, the passphrase of whoever
/// acts may stand among them.
pub(super) fn gather(arguments: &[String], has_people: bool) -> Result<Vec<(SecretKind, Secret)>, Failure> {
    let mut all: Vec<(SecretKind, Secret)> = Vec::new();
    for argument in arguments.iter().filter(|argument| !(has_people && is_of_a_person(argument))) {
        let (kind, source) = argument
            .split_once('=')
            .ok_or_else(|| Failure::usage("--secret wants KIND=env:NAME, KIND=file:PATH or KIND=prompt"))?;
        let kind: SecretKind = kind.parse().map_err(|error| Failure::usage(format!("--secret: {error}")))?;
        if matches!(kind, SecretKind::SigningKey | SecretKind::Passphrase) {
            return Err(Failure::usage(format!("a meter has no {}", kind.word())));
        }
        if all.iter().any(|(known, _)| *known == kind) {
            return Err(Failure::usage(format!("the {} is given twice", kind.word())));
        }
        all.push((kind, get(kind, source)?));
    }
    Ok(all)
}

/// What a signing key is opened with, or is.
#[derive(Default)]
pub(super) struct Signing {
    /// Opens its file.
    pub(super) passphrase: Option<Secret>,
    /// The key itself.
    pub(super) key: Option<Secret>,
}

/// Gets what signs, for a command that takes a passphrase or a key and no other secret.
pub(super) fn signing(arguments: &[String]) -> Result<Signing, Failure> {
    let mut found = Signing::default();
    for argument in arguments {
        let (kind, source) = argument.split_once('=').unwrap_or((argument, ""));
        let (slot, kind) = match kind {
            "passphrase" => (&mut found.passphrase, SecretKind::Passphrase),
            "signing-key" => (&mut found.key, SecretKind::SigningKey),
            _ => {
                return Err(Failure::usage(
                    "this command takes --secret signing-key=… or, for a key's file, --secret passphrase=…, each \
                     env:NAME, file:PATH or prompt",
                ));
            }
        };
        if slot.is_some() {
            return Err(Failure::usage(format!("the {} is given twice", kind.word())));
        }
        *slot = Some(get(kind, source)?);
    }
    Ok(found)
}

/// Gets a person's passphrase from where it is said to be; nothing where none is given.
pub(super) fn passphrase(arguments: &[String]) -> Result<Option<Secret>, Failure> {
    let mut found = None;
    for argument in arguments {
        let source = argument.strip_prefix("passphrase=").filter(|_| found.is_none()).ok_or_else(|| {
            Failure::usage("this command takes one secret: --secret passphrase=env:NAME, file:PATH or prompt")
        })?;
        found = Some(get(SecretKind::Passphrase, source)?);
    }
    Ok(found)
}

fn only<'a>(arguments: &'a [String], prefix: &str) -> Result<Option<&'a str>, Failure> {
    let mut found = arguments.iter().filter_map(|argument| argument.strip_prefix(prefix));
    let first = found.next();
    if found.next().is_some() {
        return Err(Failure::usage(format!("the {} is given twice", prefix.trim_end_matches('='))));
    }
    Ok(first)
}

fn ask(prompt: &str) -> Result<Secret, Failure> {
    let text = rpassword::prompt_password(prompt)
        .map_err(|error| Failure::usage(format!("the passphrase cannot be asked for here: {error}")))?;
    let text = Zeroizing::new(text);
    SecretKind::Passphrase.parse(&text).map_err(|error| Failure::usage(error.to_string()))
}

/// The passphrase of whoever acts: as given, or asked for on a terminal.
pub(super) fn acting(arguments: &[String], name: &str) -> Result<Secret, Failure> {
    match only(arguments, ACTING)? {
        Some(source) => get(SecretKind::Passphrase, source),
        None if std::io::stdin().is_terminal() => ask(&format!("The passphrase of {name}: ")),
        None => Err(Failure::refused(format!(
            "this store has people, and {name} has not signed in: give --secret passphrase=env:NAME, passphrase=file:PATH or passphrase=prompt"
        ))),
    }
}

/// Whether a passphrase to be set was given.
pub(super) fn has_fresh(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument.starts_with(FRESH))
}

/// A passphrase to be set: as given, or asked for twice on a terminal.
pub(super) fn fresh(arguments: &[String], whose: &str) -> Result<Secret, Failure> {
    let is_asked = match only(arguments, FRESH)? {
        Some("prompt") => true,
        Some(source) => return get(SecretKind::Passphrase, source),
        None => std::io::stdin().is_terminal(),
    };
    if !is_asked {
        return Err(Failure::usage(format!(
            "the new passphrase of {whose} is missing: give --secret new-passphrase=env:NAME, new-passphrase=file:PATH or new-passphrase=prompt"
        )));
    }
    let first = ask(&format!("The new passphrase of {whose}: "))?;
    if ask("The same once more: ")? != first {
        return Err(Failure::usage("the two were not the same: nothing was changed"));
    }
    Ok(first)
}

fn get(kind: SecretKind, source: &str) -> Result<Secret, Failure> {
    let text = if let Some(name) = source.strip_prefix("env:") {
        Zeroizing::new(std::env::var(name).map_err(|_| {
            Failure::usage(format!("the environment has no variable {name} with the {}", kind.word()))
        })?)
    } else if let Some(path) = source.strip_prefix("file:") {
        read_file(kind, path)?
    } else if source == "prompt" {
        let whose = if kind == SecretKind::Passphrase { "The" } else { "The meter's" };
        let prompt = format!("{whose} {}: ", kind.word());
        Zeroizing::new(rpassword::prompt_password(prompt).map_err(|error| {
            Failure::usage(format!("the {} cannot be asked for here: {error}", kind.word()))
        })?)
    } else {
        return Err(hint(kind));
    };
    let secret = kind.parse(&text).map_err(|error| Failure::usage(error.to_string()))?;
    if secret.expose().is_empty() {
        return Err(Failure::usage(format!("the {} is empty", kind.word())));
    }
    Ok(secret)
}

fn read_file(kind: SecretKind, path: &str) -> Result<Zeroizing<String>, Failure> {
    let fail = |reason: String| Failure::usage(format!("the {} in the file {path}: {reason}", kind.word()));
    let length = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
    if length > LONGEST {
        return Err(fail("the file is too long to be a secret".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    Ok(Zeroizing::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(argument: &str) -> String {
        gather(&[argument.to_owned()], false).unwrap_err().to_string()
    }

    #[test]
    fn a_secret_typed_as_an_argument_is_refused_and_not_repeated() {
        assert!(!error("password=MARKED").contains("MARKED"));
        assert!(!error("MARKED").contains("MARKED"));
        assert!(!error("MARKED=x").contains("MARKED"));
    }

    #[test]
    fn a_secret_is_read_from_a_file_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "00112233445566778899AABBCCDDEEFF\n").unwrap();
        let all = gather(&[format!("encryption-key=file:{}", path.display())], true).unwrap();
        assert_eq!(all[0].1.key().unwrap()[15], 0xFF);
        std::fs::write(&path, "MARKED").unwrap();
        assert!(!error(&format!("encryption-key=file:{}", path.display())).contains("MARKED"));
    }
}
