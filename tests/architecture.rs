//! Holds the floors of `src/`: the map in `lib.rs`, and the arrows between modules.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module → modules that it may use besides itself.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("model", &[] as &[_]),
        ("protocol", &["model"] as &[_]),
        ("transport", &["model"]),
        ("scheme", &["model"]),
        ("store", &["model"]),
        ("vault", &["model"]),
        ("drivers", &["protocol", "scheme", "model"]),
        ("firmware", &["drivers", "vault", "protocol", "scheme", "model"]),
        ("evidence", &["store", "vault", "model"]),
        ("export", &["scheme", "store", "model"]),
        (
            "comms",
            &[
                "drivers",
                "firmware",
                "evidence",
                "protocol",
                "transport",
                "scheme",
                "store",
                "vault",
                "model",
            ],
        ),
        ("simulator", &["protocol", "scheme", "transport", "model"]),
        (
            "cli",
            &[
                "gui",
                "comms",
                "simulator",
                "drivers",
                "firmware",
                "evidence",
                "export",
                "protocol",
                "transport",
                "scheme",
                "store",
                "vault",
                "model",
            ],
        ),
        (
            "gui",
            &[
                "comms",
                "simulator",
                "drivers",
                "firmware",
                "evidence",
                "export",
                "protocol",
                "transport",
                "scheme",
                "store",
                "vault",
                "model",
            ],
        ),
    ])
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every module of this crate that a line of code names: `crate::x`, also inside `use crate::{x, y::z}`.
fn named_modules(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            continue;
        };
        let (mut depth, mut word, mut fresh) = (0, String::new(), true);
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if c.is_alphanumeric() || c == '_' => {
                    if depth == 0 && fresh {
                        word.push(c);
                    }
                    continue;
                }
                _ => {}
            }
            if !word.is_empty() {
                names.push(std::mem::take(&mut word));
                fresh = c == ',' && depth == 0;
            }
        }
        if !word.is_empty() {
            names.push(word);
        }
    }
    names
}

fn without_comments(code: &str) -> String {
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_arrow_between_modules_points_up() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed = allowed();
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&source).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let may = allowed.get(module).unwrap_or_else(|| panic!("src/{module} has no floor in this test"));
        for name in named_modules(&without_comments(&fs::read_to_string(file).unwrap())) {
            if allowed.contains_key(name.as_str()) && name != module && !may.contains(&name.as_str()) {
                wrong.push(format!("{} uses crate::{name}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up:\n{}", wrong.join("\n"));
}

#[test]
fn an_arrow_inside_braces_is_seen_too() {
    let code = "use crate::{gui::App, model::{Obis, Line}};\nlet x = crate::store::Store::open();";
    assert_eq!(named_modules(code), ["gui", "model", "store"]);
}

#[test]
fn the_map_in_lib_names_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let code = fs::read_to_string(root).unwrap();
    let modules = code.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules {
        assert!(code.contains(&format!("[`{module}`]")), "lib.rs does not show {module} on its map");
        assert!(allowed().contains_key(module), "{module} has no floor in this test");
    }
}
