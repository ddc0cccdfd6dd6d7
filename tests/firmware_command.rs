//! `firmware` by the real binary: keys, packages, and flashes of virtual meters.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use std::net::{Ipv4Addr, SocketAddr};

use cli_support::Program;
use meterwright::simulator::{FIRST_VERSION, Fleet, FleetOptions, Framing, lock};
use meterwright::store::StoreReader;
use serde_json::{Value, json};

const VERSION: &str = "MTW 1.5.0";

fn fleet(meters: u32, faults: &[&str]) -> Fleet {
    Fleet::start(&FleetOptions {
        meters,
        template: "dlms-generic".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        framing: Framing::Wrapper,
        seed: 7,
        faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
    })
    .unwrap()
}

fn image(version: &str, length: usize) -> Vec<u8> {
    let mut image = format!("MTWFW {version}\n").into_bytes();
    image.extend((0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()));
    image
}

/// A program with a trusted key and the meters of a fleet.
struct Desk {
    program: Program,
    names: Vec<String>,
}

impl Desk {
    fn new(fleet: Option<&Fleet>) -> Self {
        let mut program = Program::new();
        let mut names = Vec::new();
        for meter in fleet.map(Fleet::meters).unwrap_or_default() {
            program.add(&meter.config, &meter.secrets);
            names.push(meter.config.name.clone());
        }
        let desk = Self { program, names };
        desk.program.ok(&["firmware", "keygen", "-o", &desk.path("key"), "--name", "Release"]);
        desk.program.ok(&["firmware", "trust", &desk.path("key.pub")]);
        desk
    }

    fn path(&self, name: &str) -> String {
        self.program.path(name).to_str().unwrap().to_owned()
    }

    /// Packs an image with these words more; gives the package's path.
    fn pack(&self, version: &str, more: &[&str]) -> String {
        let (image_path, package) = (self.path("image.bin"), self.path("package.mtwfw"));
        std::fs::write(&image_path, image(version, 3000)).unwrap();
        let key = self.path("key");
        let words = ["firmware", "pack", "--image", &image_path, "--key", &key, "-o", &package];
        let says = ["--version", version, "--identifier", "4D5457", "--maker", "MTW"];
        self.program.ok(&[&words, says.as_slice(), more].concat());
        package
    }

    fn flash(&self, package: &str, more: &[&str], code: i32) -> Value {
        let words = ["firmware", "flash", "--all", "--package", package, "--short-backup", "--quiet"];
        self.program.json(&[&words, more].concat(), code)
    }
}

fn runs(fleet: &Fleet, place: usize) -> String {
    lock(fleet.meter(place).unwrap()).record().firmware().version().to_owned()
}

#[test]
fn a_package_is_made_and_inspected() {
    let desk = Desk::new(None);
    let manifest = desk.path("manifest.json");
    let text = json!({
        "maker": "MTW", "models": ["MTW-101"], "hardware_revisions": [], "replaces": ["1.4.*"],
        "version": VERSION, "image_identifier": "4D5457", "notes": "Counts once",
    });
    std::fs::write(&manifest, text.to_string()).unwrap();
    let (image_path, package, key) = (desk.path("image.bin"), desk.path("x.mtwfw"), desk.path("key"));
    std::fs::write(&image_path, image(VERSION, 100)).unwrap();
    let words = ["--image", &image_path, "--manifest", &manifest, "--key", &key, "-o", &package];
    desk.program.ok(&[["firmware", "pack"].as_slice(), &words].concat());
    let seen = desk.program.json(&["firmware", "inspect", &package], 0);
    assert_eq!((&seen["valid"], &seen["reason"]), (&json!(true), &Value::Null));
    assert_eq!(seen["manifest"]["version"], json!(VERSION));
    assert_eq!(seen["manifest"]["size"], json!(image(VERSION, 100).len()));
    assert_eq!(seen["manifest"]["notes"], json!("Counts once"));
    let keys = desk.program.json(&["firmware", "keys"], 0);
    assert_eq!((&keys["keys"][0]["name"], &keys["keys"][0]["id"]), (&json!("Release"), &seen["signer"]));
}

#[test]
fn a_package_that_must_not_be_used_says_why() {
    let desk = Desk::new(None);
    let package = desk.pack(VERSION, &[]);
    let bytes = std::fs::read(&package).unwrap();
    let put = |bytes: &[u8]| std::fs::write(&package, bytes).unwrap();
    let says = |code: i32, word: &str| {
        let seen = desk.program.json(&["firmware", "inspect", &package], code);
        assert_eq!(seen["valid"], json!(false), "{seen}");
        assert!(seen["reason"].as_str().unwrap().contains(word), "{seen}");
    };
    let mut altered = bytes.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    put(&altered);
    says(3, "altered");
    put(&bytes[..bytes.len() - 96]);
    says(3, "not signed");
    put(&bytes[..bytes.len() - 120]);
    says(2, "more than there are");
    put(b"something else");
    says(2, "no firmware package");
    put(&bytes);
    desk.program.ok(&["firmware", "untrust", "Release"]);
    says(3, "not trusted");
    desk.program.ok(&["firmware", "trust", &desk.path("key.pub"), "--name", "Again"]);
    desk.pack(VERSION, &["--expires", "2026-01-01"]);
    says(3, "expired");
    let flashed = desk.program.run(&["firmware", "flash", "nobody", "--package", &package]);
    assert_eq!(flashed.code, 3, "{}", flashed.err);
    let store = StoreReader::open(&desk.program.path("test.db")).unwrap();
    let audit: Vec<String> = store.audit_rows(9).unwrap().into_iter().map(|row| row.what).collect();
    assert_eq!(audit.iter().filter(|what| what.contains("trusted")).count(), 3, "{audit:?}");
}

#[test]
fn a_sealed_key_asks_for_its_passphrase() {
    let mut desk = Desk::new(None);
    desk.program.set("PASS", "correct horse");
    let sealed = desk.path("sealed");
    let secret = ["--secret", "passphrase=env:PASS"];
    desk.program.ok(&[["firmware", "keygen", "-o", &sealed].as_slice(), &secret].concat());
    std::fs::write(desk.path("image.bin"), image(VERSION, 10)).unwrap();
    let (image_path, package) = (desk.path("image.bin"), desk.path("p"));
    let words = ["firmware", "pack", "--image", &image_path, "--key", &sealed, "-o", &package];
    let says = ["--version", VERSION, "--identifier", "01"];
    let without = desk.program.run(&[words.as_slice(), &says].concat());
    assert_eq!(without.code, 2);
    assert!(without.err.contains("passphrase"), "{}", without.err);
    desk.program.ok(&[words.as_slice(), &says, &secret].concat());
}

#[test]
fn a_meter_is_flashed_and_left_alone_the_second_time() {
    let fleet = fleet(1, &[]);
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &[]);
    let done = desk.flash(&package, &[], 0);
    let result = &done["results"][0];
    assert_eq!((&result["ok"], &result["error"]), (&json!(true), &Value::Null), "{done}");
    assert_eq!((&result["outcome"], &result["phase"]), (&json!("flashed"), &json!("done")));
    assert_eq!(result["version_before"], json!(FIRST_VERSION));
    assert_eq!(result["version_after"], json!(VERSION));
    assert_eq!(done["campaign"]["state"], json!("done"));
    assert_eq!(runs(&fleet, 0), VERSION);
    assert!(lock(fleet.meter(0).unwrap()).record().firmware().active() == image(VERSION, 3000));
    let registers = desk.program.json(&["show", "registers", &desk.names[0]], 0);
    assert!(!registers["registers"].as_array().unwrap().is_empty(), "the backup is in the store");
    let again = desk.flash(&package, &[], 0);
    assert_eq!(again["results"][0]["outcome"], json!("flashed"));
    assert_eq!(lock(fleet.meter(0).unwrap()).record().firmware().initiations(), 1);
    let audit = StoreReader::open(&desk.program.path("test.db")).unwrap().audit_rows(40).unwrap();
    for word in ["image transfer enabled", "initiated", "activation of firmware"] {
        assert!(audit.iter().any(|row| row.detail.contains(word)), "{word}");
    }
}

#[test]
fn a_package_that_does_not_suit_the_meter_is_refused() {
    let fleet = fleet(1, &[]);
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &["--model", "OTHER-1"]);
    let refused = desk.flash(&package, &[], 3);
    assert_eq!(refused["results"][0]["outcome"], json!("refused"));
    assert!(refused["results"][0]["error"]["message"].as_str().unwrap().contains("OTHER-1"), "{refused}");

    let package = desk.pack("MTW 1.3.0", &[]);
    let refused = desk.flash(&package, &[], 3);
    assert!(refused["results"][0]["error"]["message"].as_str().unwrap().contains("older"), "{refused}");
    desk.flash(&package, &["--allow-downgrade", "1.4 counts twice"], 0);
    assert_eq!(runs(&fleet, 0), "MTW 1.3.0");
    let audit = StoreReader::open(&desk.program.path("test.db")).unwrap().audit_rows(40).unwrap();
    assert!(
        audit.iter().any(|row| row.what.contains("downgrade") && row.detail.contains("1.4 counts twice"))
    );
}

#[test]
fn another_package_half_in_a_meter_is_in_the_way_until_it_is_given_up() {
    let fleet = fleet(1, &[]);
    let desk = Desk::new(Some(&fleet));
    let first = desk.pack(VERSION, &[]);
    desk.flash(&first, &["--activate", "never"], 0);
    let second = desk.pack("MTW 1.6.0", &[]);
    let refused = desk.flash(&second, &[], 3);
    assert!(
        refused["results"][0]["error"]["message"].as_str().unwrap().contains("not finished"),
        "{refused}"
    );
    desk.flash(&second, &["--start-over"], 0);
    assert_eq!(runs(&fleet, 0), "MTW 1.6.0");
}

#[test]
fn a_campaign_stops_when_its_canary_fails_and_goes_on_when_it_is_asked_to() {
    let fleet = fleet(4, &["image:verify-fails"]);
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &[]);
    let stopped = desk.flash(&package, &["--canary", "1", "--wave", "2"], 1);
    let outcomes: Vec<&str> =
        stopped["results"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["failed", "open", "open", "open"], "{stopped}");
    assert_eq!(stopped["campaign"]["state"], json!("stopped"));
    let waves: Vec<u64> =
        stopped["results"].as_array().unwrap().iter().map(|one| one["wave"].as_u64().unwrap()).collect();
    assert_eq!(waves, [0, 1, 1, 2]);
    for place in 0..4 {
        let meter = fleet.meter(place).unwrap();
        assert_eq!(lock(meter).record().firmware().initiations(), u32::from(place == 0));
        lock(meter).record().firmware().set_faults(Default::default());
    }
    let done = desk.flash(&package, &["--canary", "1", "--wave", "2"], 0);
    assert_eq!(done["campaign"]["campaign"], stopped["campaign"]["campaign"], "the same campaign");
    assert_eq!(done["summary"]["ok"], json!(4));
    let listed = desk.program.json(&["firmware", "status"], 0);
    assert_eq!(listed["campaigns"].as_array().unwrap().len(), 1);
    assert_eq!(listed["campaigns"][0]["outcomes"]["flashed"], json!(4));
    let one = desk.program.json(&["firmware", "status", "1"], 0);
    assert_eq!(one["meters"][3]["version_after"], json!(VERSION));
}

#[test]
fn a_program_that_is_killed_in_the_middle_goes_on_with_the_same_transfer() {
    let fleet = fleet(1, &["late=20"]);
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &[]);
    let words = ["firmware", "flash", "--all", "--package", &package, "--short-backup", "--quiet"];
    let mut first = desk.program.command(&words).spawn().unwrap();
    let has_begun = || {
        let mut meter = lock(fleet.meter(0).unwrap());
        meter.record().firmware().came().iter().sum::<u32>() > 4
    };
    while !has_begun() {
        assert!(first.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::yield_now();
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let done = desk.flash(&package, &[], 0);
    assert_eq!(done["results"][0]["outcome"], json!("flashed"));
    let mut meter = lock(fleet.meter(0).unwrap());
    let firmware = meter.record().firmware();
    assert_eq!((firmware.initiations(), firmware.version()), (1, VERSION));
    assert!(firmware.came().iter().map(|times| times - 1).sum::<u32>() <= 1, "{:?}", firmware.came());
}

#[test]
fn two_programs_that_flash_one_meter_at_once_transfer_the_image_once() {
    let fleet = fleet(1, &["late=20"]);
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &[]);
    let words = ["firmware", "flash", "--all", "--package", &package, "--short-backup", "--quiet"];
    let both = [(); 2].map(|()| desk.program.command(&words).spawn().unwrap());
    for mut one in both {
        assert_eq!(one.wait().unwrap().code(), Some(0));
    }
    let mut meter = lock(fleet.meter(0).unwrap());
    let firmware = meter.record().firmware();
    assert_eq!((firmware.initiations(), firmware.version()), (1, VERSION));
    assert!(firmware.came().iter().all(|times| *times == 1), "{:?}", firmware.came());
}

#[test]
fn hdlc_carries_an_image_as_well() {
    let options = FleetOptions { meters: 1, framing: Framing::Hdlc, ..FleetOptions::demo() };
    let fleet = Fleet::start(&options).unwrap();
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &[]);
    desk.flash(&package, &[], 0);
    assert_eq!(runs(&fleet, 0), VERSION);
}

#[test]
fn nothing_is_sent_outside_the_window() {
    use std::io::{BufRead, BufReader};

    let fleet = fleet(1, &[]);
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &[]);
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let hour = |hours: i64| (&now + jiff::SignedDuration::from_hours(hours)).strftime("%H:00").to_string();
    let closed = format!("{}-{}", hour(4), hour(6));
    let words =
        ["firmware", "flash", "--all", "--package", &package, "--short-backup", "--window-zone", "UTC"];
    let mut waiting =
        desk.program.command(&[words.as_slice(), &["--window", &closed]].concat()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(waiting.stderr.take().unwrap()).read_line(&mut told).unwrap();
    assert!(told.contains("Waiting for the window"), "{told}");
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    assert_eq!(lock(fleet.meter(0).unwrap()).record().firmware().initiations(), 0);
    let open = format!("{}-{}", hour(-2), hour(3));
    desk.program.ok(&[words.as_slice(), &["--window", &open]].concat());
    assert_eq!(runs(&fleet, 0), VERSION);
}

#[test]
fn wrong_words_are_refused_before_anything_is_done() {
    let fleet = fleet(1, &[]);
    let desk = Desk::new(Some(&fleet));
    let package = desk.pack(VERSION, &[]);
    for more in [
        ["--window", "22:00"].as_slice(),
        &["--window", "22:00-05:00", "--window-zone", "Mars/Base"],
        &["--allow-downgrade", " "],
        &["--activate", "soon"],
        &["--wave", "0"],
    ] {
        let words = ["firmware", "flash", "--all", "--package", &package];
        assert_eq!(desk.program.run(&[words.as_slice(), more].concat()).code, 2, "{more:?}");
    }
    assert_eq!(desk.program.run(&["firmware", "flash", "--all", "--package", "none"]).code, 2);
}

#[test]
fn a_key_is_never_shown_and_its_file_is_its_owners_alone() {
    let mut desk = Desk::new(None);
    let key = desk.path("release");
    let made = desk.program.run(&["firmware", "keygen", "-o", &key, "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let text = std::fs::read_to_string(&key).unwrap();
    let secret = text.lines().nth(2).unwrap().strip_prefix("plain ").unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = desk.program.run(&["firmware", "keygen", "-o", &key]);
    assert_eq!(again.code, 2, "it is not overwritten");
    let trusted = desk.program.run(&["firmware", "trust", &key]);
    assert_eq!(trusted.code, 2);
    assert!(trusted.err.contains(".pub"), "{}", trusted.err);
    std::fs::write(desk.path("image.bin"), image(VERSION, 10)).unwrap();
    let (image_path, package) = (desk.path("image.bin"), desk.path("p"));
    let words = ["firmware", "pack", "--image", &image_path, "-o", &package, "--version", VERSION];
    let words = [words.as_slice(), &["--identifier", "01"]].concat();
    let packed = desk.program.run(&[words.as_slice(), &["--key", &key, "--json"]].concat());
    assert_eq!(packed.code, 0, "{}", packed.err);
    for told in [&made, &again, &trusted, &packed] {
        let all = format!("{}{}", told.out, told.err).to_ascii_uppercase();
        assert!(!all.contains(&secret[..16].to_ascii_uppercase()));
    }
    // The same key, kept elsewhere: as a secret of the environment, never as an argument.
    assert_eq!(desk.program.run(&words).code, 2, "somebody has to sign");
    desk.program.set("SIGNS", secret);
    let secret = ["--secret", "signing-key=env:SIGNS"];
    let by_secret = desk.program.json(&[words.as_slice(), &secret].concat(), 0);
    let by_file: Value = serde_json::from_str(&packed.out).unwrap();
    assert_eq!(by_secret["signer"], by_file["signer"]);
    let both = desk.program.run(&[words.as_slice(), &secret, &["--key", &key]].concat());
    assert_eq!(both.code, 2, "{}", both.err);
}

#[test]
fn a_package_never_overwrites_what_it_is_made_of() {
    let desk = Desk::new(None);
    let (image_path, key) = (desk.path("image.bin"), desk.path("key"));
    std::fs::write(&image_path, image(VERSION, 10)).unwrap();
    let secret = std::fs::read(&key).unwrap();
    for output in [&image_path, &key] {
        let words = ["firmware", "pack", "--image", &image_path, "--key", &key, "-o", output];
        let refused =
            desk.program.run(&[words.as_slice(), &["--version", VERSION, "--identifier", "01"]].concat());
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains("would overwrite"), "{}", refused.err);
    }
    assert_eq!(std::fs::read(&image_path).unwrap(), image(VERSION, 10));
    assert_eq!(std::fs::read(&key).unwrap(), secret);
}

#[test]
fn what_is_inspected_is_shown_as_what_it_is() {
    let desk = Desk::new(None);
    let package = desk.pack(VERSION, &["--notes", "Two\nlines"]);
    let seen = desk.program.run(&["firmware", "inspect", &package]);
    assert!(seen.out.contains(r"Two\nlines"), "{}", seen.out);
    std::fs::write(desk.path("image.bin"), image(VERSION, 10)).unwrap();
    let (image_path, key) = (desk.path("image.bin"), desk.path("key"));
    let words =
        ["firmware", "pack", "--image", &image_path, "--key", &key, "-o", &package, "--identifier", "01"];
    for hidden in ["1.5\u{1B}[2K\rvalid", "1.5\u{202E}0.1"] {
        let refused = desk.program.run(&[words.as_slice(), &["--version", hidden]].concat());
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains("do not show") && !refused.err.contains('\u{1B}'), "{:?}", refused.err);
    }
    for (place, word) in
        [(desk.program.folder.path().display().to_string(), "no file"), (desk.path("none"), "")]
    {
        let seen = desk.program.json(&["firmware", "inspect", &place], 2);
        assert_eq!((&seen["valid"], &seen["manifest"]), (&json!(false), &Value::Null));
        assert!(seen["reason"].as_str().unwrap().contains(word), "{seen}");
    }
}

/// RFC 6979, A.2.5, as a point and as the maker of an image would give it.
const MAKER: &str = "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
    7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";

#[test]
fn a_makers_key_is_trusted_listed_and_trusted_no_longer() {
    let desk = Desk::new(None);
    std::fs::write(desk.path("acme.txt"), MAKER).unwrap();
    let trusted = desk.program.json(&["firmware", "trust", &desk.path("acme.txt")], 0);
    assert_eq!((&trusted["name"], &trusted["signs"]), (&json!("acme"), &json!("images")));
    assert_eq!(trusted["public"], json!(MAKER));
    let keys = desk.program.json(&["firmware", "keys"], 0);
    let listed = |keys: &Value| {
        let each = keys["keys"].as_array().unwrap().iter();
        each.map(|key| (key["name"].clone(), key["signs"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(listed(&keys), [(json!("Release"), json!("packages")), (json!("acme"), json!("images"))]);
    let package = desk.pack(VERSION, &[]);
    let refused = desk.program.run(&["firmware", "inspect", &package, "--key", &desk.path("acme.txt")]);
    assert_eq!(refused.code, 2, "it signs no packages");
    desk.program.ok(&["firmware", "untrust", trusted["id"].as_str().unwrap()]);
    assert_eq!(listed(&desk.program.json(&["firmware", "keys"], 0)).len(), 1);
    let store = StoreReader::open(&desk.program.path("test.db")).unwrap();
    let audit: Vec<String> = store.audit_rows(2).unwrap().into_iter().map(|row| row.what).collect();
    assert_eq!(audit, ["maker's key no longer trusted", "maker's key trusted"]);
    std::fs::write(desk.path("private.pem"), "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n").unwrap();
    let refused = desk.program.run(&["firmware", "trust", &desk.path("private.pem")]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("private key") && !refused.err.contains("U0VDUkVU"), "{}", refused.err);
}

#[test]
fn a_meter_that_cannot_be_reached_is_counted_apart_from_one_that_failed() {
    let fleet = fleet(3, &[]);
    let mut desk = Desk::new(Some(&fleet));
    // Nobody listens on port 1.
    let mut gone = fleet.meters()[0].config.clone();
    gone.name = "Gone".to_owned();
    gone.line = "tcp://127.0.0.1:1".parse().unwrap();
    desk.program.add(&gone, &fleet.meters()[0].secrets);
    lock(fleet.meter(1).unwrap())
        .record()
        .firmware()
        .set_faults(meterwright::simulator::faults::Faults::parse(&["image:verify-fails"]).unwrap().image);
    let package = desk.pack(VERSION, &[]);
    let done = desk.flash(&package, &["--stop-after", "1"], 1);
    let summary = &done["summary"];
    assert_eq!(
        (&summary["ok"], &summary["failed"], &summary["unreachable"]),
        (&json!(2), &json!(2), &json!(1))
    );
    let gone = done["results"].as_array().unwrap().iter().find(|one| one["meter"] == json!("Gone")).unwrap();
    assert_eq!((&gone["outcome"], &gone["error"]["fault"]), (&json!("open"), &json!("line")));
    assert_eq!(done["campaign"]["state"], json!("open"), "one failed, and one may: {done}");
}
