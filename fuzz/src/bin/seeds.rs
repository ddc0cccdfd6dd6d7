//! Writes inputs for the fuzzer to begin with into a folder for each target: what a virtual meter and this program say
//! to one another in undisturbed sessions, the texts and octets that the tests are made of, and the files that come
//! with the program.
//!
//! `seeds FOLDER`, in the folder of the crate.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

// The library with the calls that the compiler put into everything.
use libfuzzer_sys as _;
use meterwright_fuzz::{
    Changes, FLAG_MODES, FlagLineTo, Line, MODES, flag_session, flag_template, meter, run, session,
};

/// Longest text of a test that is taken.
const LONGEST: usize = 4096;
/// Whose inputs are octets, and whose are text.
const OCTETS: [&str; 9] = [
    "dlms_apdu",
    "dlms_ciphered",
    "dlms_data",
    "push",
    "trace",
    "hdlc",
    "wrapper",
    "store_block",
    "firmware_package",
];
const TEXTS: [&str; 5] = ["sign_on", "elster_flag", "words", "meter_list", "holidays"];

/// Where the words of a text are found that the fuzzer cannot guess.
const DICTIONARIES: [(&str, &str); 5] = [
    ("scheme", "src/scheme/"),
    ("template", "src/model/template/"),
    ("meter_list", "src/export/roster/"),
    ("holidays", "src/scheme/holidays"),
    ("words", "src/model/"),
];
/// Longest of them.
const LONGEST_WORD: usize = 32;

struct Seeds {
    folder: PathBuf,
    count: usize,
}

impl Seeds {
    fn put(&mut self, target: &str, octets: &[u8]) -> io::Result<()> {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        self.count += 1;
        fs::write(folder.join(format!("seed-{:05}", self.count)), octets)
    }

    /// What was said, wherever single messages are read.
    fn said(&mut self, octets: &[u8]) -> io::Result<()> {
        for target in ["dlms_apdu", "trace", "push"] {
            self.put(target, octets)?;
        }
        // The value behind the head of an answer.
        if octets.starts_with(&[0xC4, 1]) {
            self.put("dlms_data", octets.get(4..).unwrap_or_default())?;
        }
        let length = u16::try_from(octets.len()).unwrap_or(0).to_le_bytes();
        self.put("line", &[&[0, 3], length.as_slice(), octets].concat())?;
        // Behind an unnumbered acknowledgement, in a frame of information with the letters of the link.
        let longer = u16::from_le_bytes(length).wrapping_add(4).to_le_bytes();
        let framed = [&[1, 5, 1, 0, 0x73, 5], longer.as_slice(), &[0x30, 0xE6, 0xE7, 0], octets].concat();
        self.put("line", &framed)?;
        let length = u16::try_from(octets.len()).unwrap_or(0).to_be_bytes();
        self.put("wrapper", &[&[0, 1, 0, 1, 0, 16], length.as_slice(), octets].concat())
    }
}

/// A change that puts an answer in its own place, for the fuzzer to change further.
fn change(number: usize, answer: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(answer.len()).ok()?.to_le_bytes();
    Some([&[u8::try_from(number).ok()?, 5, 0, 0], length.as_slice(), answer].concat())
}

fn dlms_sessions(seeds: &mut Seeds) -> io::Result<()> {
    for mode in 0..MODES {
        for variant in [0, 1, 2, 0x40, 0x80, 0xC0, 0x04, 0x08, 0x0C, 0x10, 0x20, 0x24] {
            let heard = run(async {
                let mut line = Line::new(meter(variant), Changes::default());
                line.heard = Some(Vec::new());
                if let Err(fault) = session(mode, variant, &mut line).await {
                    println!("session {mode} of {variant}: {fault}");
                }
                line.heard.unwrap_or_default()
            });
            seeds.put("meter_answers", &[mode, variant])?;
            let mut talk = vec![variant << 1 & 0x18];
            for (number, (request, answers)) in heard.iter().enumerate() {
                if number > 0 && talk.len() < LONGEST {
                    talk.extend(u16::try_from(request.len()).unwrap_or(0).to_le_bytes());
                    talk.extend(request);
                }
                // The same things are said in all variants.
                if variant > 0 && answers.len() < 2 && mode < 10 {
                    continue;
                }
                seeds.said(request)?;
                for answer in answers.iter().filter(|answer| answer.len() < LONGEST) {
                    seeds.said(answer)?;
                    if let Some(change) = change(number, answer) {
                        seeds.put("meter_answers", &[[mode, variant].as_slice(), &change].concat())?;
                    }
                }
            }
            seeds.put("meter_requests", &talk)?;
        }
    }
    Ok(())
}

fn flag_sessions(seeds: &mut Seeds) -> io::Result<()> {
    for mode in 0..FLAG_MODES {
        for which in 0..3 {
            let heard = run(async {
                let template = flag_template(which);
                let mut line = FlagLineTo::new(template, Changes::default());
                if let Err(fault) = flag_session(mode, template, &mut line).await {
                    println!("session {mode} with an {template}: {fault}");
                }
                line.heard
            });
            seeds.put("flag_session", &[mode, which])?;
            let mut talk = vec![mode | 0x80, which];
            let mut answers = vec![3];
            for (number, (said, answer)) in heard.iter().enumerate() {
                talk.extend(u16::try_from(said.len()).unwrap_or(0).to_le_bytes());
                talk.extend(said);
                answers.push(16);
                answers.extend(u16::try_from(answer.len()).unwrap_or(0).to_le_bytes());
                answers.extend(answer);
                for octets in [said, answer] {
                    seeds.put("elster_flag", octets)?;
                    seeds.put("sign_on", octets)?;
                    seeds.put("trace", octets)?;
                }
                if let Some(change) = change(number, answer) {
                    seeds.put("flag_session", &[[mode, which].as_slice(), &change].concat())?;
                }
            }
            seeds.put("flag_session", &talk)?;
            seeds.put("line", &answers)?;
        }
    }
    Ok(())
}

/// The texts between quotes in a source file, roughly: escapes are resolved, all else is taken as it stands.
fn texts(source: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut letters = source.chars().peekable();
    let mut text: Option<String> = None;
    while let Some(letter) = letters.next() {
        match (&mut text, letter) {
            (None, '"') => text = Some(String::new()),
            (None, '\'') if letters.peek() == Some(&'"') => drop(letters.next()),
            (None, _) => {}
            (Some(_), '"') => found.extend(text.take().map(String::into_bytes)),
            (Some(text), '\\') => match letters.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some('\n') => while letters.next_if(|next| next.is_whitespace()).is_some() {},
                Some('x') => {
                    let digits: String = letters.by_ref().take(2).collect();
                    text.extend(u8::from_str_radix(&digits, 16).map(char::from));
                }
                Some('u') => {
                    let digits: String = letters.by_ref().take_while(|next| *next != '}').collect();
                    let code = u32::from_str_radix(digits.trim_start_matches('{'), 16).ok();
                    text.extend(code.and_then(char::from_u32));
                }
                Some(other) => text.push(other),
                None => {}
            },
            (Some(text), letter) => text.push(letter),
        }
    }
    found.retain(|text| text.len() > 1 && text.len() < LONGEST);
    found
}

/// Octets that are written as hexadecimal digits.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .iter()
        .filter(|octet| !octet.is_ascii_whitespace())
        .map(|octet| char::from(*octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() > 3 && digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn of_tests(seeds: &mut Seeds) -> io::Result<()> {
    let mut sources = Vec::new();
    for folder in ["src", "tests"] {
        files(Path::new(folder), &mut sources)?;
    }
    sources.sort();
    let mut words = BTreeSet::new();
    for path in sources {
        let name = path.to_string_lossy().into_owned();
        if name.ends_with(".scheme.json") {
            seeds.put("scheme", &fs::read(&path)?)?;
        }
        if !name.ends_with(".rs") || name.contains("/gui") {
            continue;
        }
        for text in texts(&fs::read_to_string(&path)?) {
            for (_, folder) in DICTIONARIES.iter().filter(|(_, folder)| name.starts_with(folder)) {
                words.extend((text.len() < LONGEST_WORD).then(|| (*folder, text.clone())));
            }
            if let Some(octets) = hex(&text) {
                for target in OCTETS {
                    seeds.put(target, &octets)?;
                }
            }
            let wanted: &[&str] = match () {
                () if name.contains("roster") || name.contains("cli_") => &["meter_list"],
                () if name.contains("holidays") => &["holidays"],
                () if name.contains("/scheme") => &["scheme", "words"],
                () if name.contains("template") => &["template"],
                () if name.contains("flag") || name.contains("62056") => &["elster_flag", "sign_on", "trace"],
                () if name.contains("/model/") || name.contains("version") => &["words"],
                () if name.contains("firmware") => &["firmware_package", "elster_flag"],
                () => &[],
            };
            for target in wanted {
                seeds.put(target, &text)?;
            }
        }
    }
    for (target, folder) in DICTIONARIES {
        let own = words.iter().filter(|(of, _)| *of == folder);
        let lines = own.map(|(_, word)| {
            let escaped: String = word.iter().map(|octet| format!("\\x{octet:02X}")).collect();
            format!("\"{escaped}\"\n")
        });
        fs::write(seeds.folder.join(format!("{target}.dict")), lines.collect::<String>())?;
    }
    Ok(())
}

fn of_assets(seeds: &mut Seeds) -> io::Result<()> {
    for (folder, target) in [("assets/templates", "template"), ("schemes", "scheme")] {
        let mut found = Vec::new();
        files(Path::new(folder), &mut found)?;
        for path in found {
            seeds.put(target, &fs::read(path)?)?;
        }
    }
    for target in TEXTS.iter().chain(&OCTETS) {
        seeds.put(target, b"\n")?;
    }
    let text = meterwright::simulator::flag::firmware::vendor_file("AS230 V2", 2);
    seeds.put("elster_flag", text.as_bytes())?;
    seeds.put("firmware_package", &meterwright_fuzz::package_bytes())
}

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "fuzz/corpus".into());
    let mut seeds = Seeds { folder: folder.into(), count: 0 };
    dlms_sessions(&mut seeds)?;
    flag_sessions(&mut seeds)?;
    of_tests(&mut seeds)?;
    of_assets(&mut seeds)?;
    println!("{} inputs in {}", seeds.count, seeds.folder.display());
    Ok(())
}
