//! Packages: written and read, altered, foreign, expired, and hostile bytes.

use proptest::prelude::*;

use super::*;
use crate::firmware::manifest::Draft;

struct Bench {
    key: SigningKeyFile,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKeyFile::create(&folder.path().join("key"), "Release", None).unwrap();
        Self { key, _folder: folder }
    }

    fn pack(&self, draft: Draft, image: &[u8]) -> Vec<u8> {
        let (size, sha256) = digest(image).unwrap();
        let manifest = draft.finish(size, sha256).unwrap();
        let mut bytes = Vec::new();
        write(&mut bytes, &manifest, image, &self.key).unwrap();
        bytes
    }

    fn trusted(&self) -> Vec<TrustedKey> {
        vec![self.key.public()]
    }
}

fn draft() -> Draft {
    Draft {
        version: "1.5.0".to_owned(),
        image_identifier: Hex(b"MTW-1.5.0".to_vec()),
        models: vec!["MTW-101".to_owned()],
        ..Draft::default()
    }
}

fn image(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn reason(package: &Package, trusted: &[TrustedKey]) -> String {
    package.judge(trusted, now()).unwrap_err().to_string()
}

#[test]
fn a_package_reads_back_and_gives_its_image_in_any_pieces() {
    let bench = Bench::new();
    let image = image(3 * PIECE + 17);
    let package = Package::from_bytes(bench.pack(draft(), &image)).unwrap();
    assert_eq!(package.judge(&bench.trusted(), now()).unwrap().name, "Release");
    assert_eq!(package.manifest().version, "1.5.0");
    for size in [1000, PIECE, PIECE + 1, image.len()] {
        let mut got = Vec::new();
        while got.len() < image.len() {
            got.extend(package.image(got.len() as u64, size).unwrap());
        }
        assert!(got == image, "in pieces of {size}");
    }
    assert_eq!(package.image(image.len() as u64 + 5, 10).unwrap(), b"");
}

#[test]
fn every_altered_byte_is_noticed() {
    let bench = Bench::new();
    let bytes = bench.pack(draft(), &image(100));
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x20;
        let taken =
            Package::from_bytes(altered).and_then(|package| package.judge(&bench.trusted(), now()).cloned());
        assert!(taken.is_err(), "byte {at}");
    }
}

#[test]
fn an_altered_image_is_refused_and_not_called_broken() {
    let bench = Bench::new();
    let mut bytes = bench.pack(draft(), &image(100));
    let place = bytes.len() - 96 - 50;
    bytes[place] ^= 1;
    let package = Package::from_bytes(bytes).unwrap();
    assert!(reason(&package, &bench.trusted()).contains("altered"));
}

#[test]
fn a_package_without_signature_or_by_a_foreign_key_is_refused() {
    let bench = Bench::new();
    let bytes = bench.pack(draft(), &image(100));
    let unsigned = Package::from_bytes(bytes[..bytes.len() - 96].to_vec()).unwrap();
    assert!(reason(&unsigned, &bench.trusted()).contains("not signed"));
    let foreign = Package::from_bytes(bytes).unwrap();
    assert!(reason(&foreign, &Bench::new().trusted()).contains("not trusted"));
    assert!(reason(&foreign, &[]).contains(&bench.key.public().id().to_string()));
}

#[test]
fn a_package_has_its_time() {
    let bench = Bench::new();
    let expired = Draft { expires: Some(now()), ..draft() };
    let package = Package::from_bytes(bench.pack(expired, &image(9))).unwrap();
    assert!(reason(&package, &bench.trusted()).contains("expired"));
    let early = Draft { not_before: Some("2027-01-01T00:00:00Z".parse().unwrap()), ..draft() };
    let package = Package::from_bytes(bench.pack(early, &image(9))).unwrap();
    assert!(reason(&package, &bench.trusted()).contains("before 2027"));
}

#[test]
fn every_cut_is_a_broken_file_or_an_unsigned_package() {
    let bench = Bench::new();
    let bytes = bench.pack(draft(), &image(100));
    for length in 0..bytes.len() {
        match Package::from_bytes(bytes[..length].to_vec()) {
            Ok(package) => assert_eq!((length, package.signer()), (bytes.len() - 96, None)),
            Err(error) => assert!(matches!(error, PackageError::Broken { .. })),
        }
    }
}

/// A package by this manifest as it stands, under a right signature.
fn signed(bench: &Bench, json: &[u8], image: &[u8]) -> Vec<u8> {
    let (size, sha256) = digest(image).unwrap();
    let signature = bench.key.sign(&signed_message(json, size, &sha256));
    let length = u32::try_from(json.len()).unwrap().to_be_bytes();
    let parts: [&[u8]; 7] =
        [MAGIC, &length, json, &size.to_be_bytes(), image, &bench.key.public().public, &signature];
    parts.concat()
}

#[test]
fn a_manifest_that_says_a_thing_twice_or_hides_something_is_broken_whoever_signed_it() {
    let bench = Bench::new();
    let image = image(100);
    let (size, sha256) = digest(image.as_slice()).unwrap();
    let sound = serde_json::to_string(&draft().finish(size, sha256).unwrap()).unwrap();
    assert!(Package::from_bytes(signed(&bench, sound.as_bytes(), &image)).is_ok());
    let broken = |json: &str| {
        let error = Package::from_bytes(signed(&bench, json.as_bytes(), &image)).unwrap_err();
        assert!(matches!(error, PackageError::Broken { .. }), "{error}");
        error.to_string()
    };
    let twice = sound.replacen('{', r#"{"version":"9.9.9","#, 1);
    assert!(broken(&twice).contains("duplicate field `version`"));
    let more = sound.replacen('{', r#"{"run":"rm -rf /","#, 1);
    assert!(broken(&more).contains("unknown field"));
    let less = sound.replacen(r#""version":"1.5.0","#, "", 1);
    assert!(broken(&less).contains("missing field"));
    let hidden = sound.replacen("1.5.0", r"1.5.0\u001b[2Kvalid", 1);
    assert!(broken(&hidden).contains("do not show"));
    let turned = sound.replacen(r#""notes":""#, "\"notes\":\"\u{202E}", 1);
    assert!(broken(&turned).contains("notes"));
    let behind = format!("{sound}{sound}");
    assert!(broken(&behind).contains("trailing"));
    let long = sound.replacen(r#""notes":""#, &format!(r#""notes":"{}"#, "x".repeat(5000)), 1);
    assert!(broken(&long).contains("too long"));
    let deep = "[".repeat(60_000);
    assert!(broken(&deep).contains("does not read"));
    assert!(broken("").contains("does not read"));
    let wrong_size = sound.replacen(&format!(r#""size":{size}"#), r#""size":99"#, 1);
    let package = Package::from_bytes(signed(&bench, wrong_size.as_bytes(), &image)).unwrap();
    assert!(reason(&package, &bench.trusted()).contains("altered"), "another image than the manifest's");
}

#[test]
fn what_stands_behind_the_signature_is_seen_before_anything_is_hashed() {
    let bench = Bench::new();
    let mut bytes = bench.pack(draft(), &image(100));
    bytes.push(0);
    let error = Package::from_bytes(bytes).unwrap_err().to_string();
    assert!(error.contains("more behind the signature"), "{error}");
}

#[test]
fn a_folder_and_a_device_are_no_packages() {
    let folder = tempfile::tempdir().unwrap();
    let error = Package::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("it is no file"), "{error}");
    #[cfg(unix)]
    assert!(Package::open(Path::new("/dev/zero")).unwrap_err().to_string().contains("it is no file"));
}

#[test]
fn a_file_that_changes_while_it_is_in_use_gives_nothing_more() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mtwfw");
    let mut bytes = bench.pack(draft(), &image(2 * PIECE));
    std::fs::write(&path, &bytes).unwrap();
    let package = Package::open(&path).unwrap();
    assert!(package.image(0, 10).is_ok());
    let place = bytes.len() - 96 - 10;
    bytes[place] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = package.image(PIECE as u64, 10).unwrap_err().to_string();
    assert!(error.contains("altered while it was in use"), "{error}");
}

proptest! {
    #[test]
    fn hostile_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Package::from_bytes(bytes).is_err());
    }

    #[test]
    fn hostile_lengths_behind_the_magic_are_refused(
        manifest in any::<u32>(), rest in proptest::collection::vec(any::<u8>(), 0..64), image in any::<u64>(),
    ) {
        let bytes = [MAGIC.as_slice(), &manifest.to_be_bytes(), &rest, &image.to_be_bytes()].concat();
        prop_assert!(Package::from_bytes(bytes).is_err());
    }

    /// Some bytes of a sound package changed, taken out or put in.
    #[test]
    fn a_package_that_was_tampered_with_is_never_taken(
        changes in proptest::collection::vec((0usize..500, any::<u8>(), 0..3), 1..6), length in 1usize..200,
    ) {
        let bench = Bench::new();
        let whole = bench.pack(draft(), &image(length));
        let mut bytes = whole.clone();
        for (place, byte, kind) in changes {
            let place = place % bytes.len();
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        let is_same = bytes == whole;
        let taken =
            Package::from_bytes(bytes).and_then(|package| package.judge(&bench.trusted(), now()).cloned());
        prop_assert_eq!(taken.is_ok(), is_same);
    }

    #[test]
    fn any_image_survives(image in proptest::collection::vec(any::<u8>(), 1..2000)) {
        let bench = Bench::new();
        let package = Package::from_bytes(bench.pack(draft(), &image)).unwrap();
        prop_assert!(package.judge(&bench.trusted(), now()).is_ok());
        prop_assert_eq!(package.image(0, image.len()).unwrap(), image);
    }
}
