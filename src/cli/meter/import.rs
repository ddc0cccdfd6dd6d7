//! `meter import CSV`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure, SOME_FAILED};
use crate::comms::Edit;
use crate::export::roster::{
    Choices, Column, DecimalSign, Empty, Encoding, Fate, Key, Known, LARGEST_FILE, Plan, Separator, Sheet,
    Style, guess, is_of_rejects, plan, write_rejected,
};
use crate::export::write_whole;
use crate::store::ListedMeter;

/// Problems told at once.
const MOST_PROBLEMS: usize = 20;

/// What is done with meters that are listed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Update {
    /// Add new meters only
    No,
    /// Add new ones, change known ones
    Also,
    /// Change known ones only
    Only,
}

/// By what rows find their meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Its name
    Name,
    /// Its serial number
    Serial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cells {
    /// Leave what stands there
    Leave,
    /// Take the setting away
    Clear,
}

/// Adds or changes all meters of a CSV file, or none.
///
/// Transformer ratios stand in ratio_from, ratio_ct, ratio_vt, ratio_applied_by_meter (yes or no), ratio_ct_class,
/// ratio_vt_class and ratio_meter_class, as on the plates: 400/5, 110000/√3:100/√3. A time without an offset is the
/// meter's own. A point with several periods has a line for each in every one of these cells. Periods that are not
/// named stay; what a period leaves out is as it stood.
#[derive(Args, Debug)]
pub(in crate::cli) struct Import {
    /// The file: a header row with columns as `meter export` writes them (name and line at least), no secrets
    #[arg(value_name = "CSV")]
    file: PathBuf,
    /// What to do with meters that are listed already
    #[arg(long, value_name = "WHETHER", default_value = "no")]
    update: Update,
    /// By what rows find their meters
    #[arg(long, value_name = "KEY", default_value = "name")]
    by: By,
    /// What empty cells say of a meter that is listed
    #[arg(long, value_name = "HOW", default_value = "leave")]
    empty: Cells,
    /// What a column means, where its header does not say it: HEADER=COLUMN, HEADER=field:NAME, HEADER= leaves it out
    #[arg(long, value_name = "HEADER=COLUMN")]
    column: Vec<String>,
    /// utf-8, utf-16le, utf-16be or windows-1252 [default: as it looks]
    #[arg(long, value_name = "ENCODING", value_parser = encoding)]
    encoding: Option<Encoding>,
    /// comma, semicolon, tab or bar [default: as it looks]
    #[arg(long, value_name = "SEPARATOR", value_parser = separator)]
    separator: Option<Separator>,
    /// point or comma [default: as it looks]
    #[arg(long, value_name = "SIGN", value_parser = decimal)]
    decimal: Option<DecimalSign>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Take the rows that can be taken, and write the others to this file, each with the reason
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
}

fn chosen<T: Copy>(text: &str, all: &[(&str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
    found.map(|(_, one)| *one).ok_or_else(|| format!("write {}", words.join(", ")))
}

fn encoding(text: &str) -> Result<Encoding, String> {
    let all = [
        ("utf-8", Encoding::Utf8),
        ("utf-16le", Encoding::Utf16Le),
        ("utf-16be", Encoding::Utf16Be),
        ("windows-1252", Encoding::Windows1252),
    ];
    chosen(text, &all)
}

fn separator(text: &str) -> Result<Separator, String> {
    let all = [
        ("comma", Separator::Comma),
        ("semicolon", Separator::Semicolon),
        ("tab", Separator::Tab),
        ("bar", Separator::Bar),
    ];
    chosen(text, &all)
}

fn decimal(text: &str) -> Result<DecimalSign, String> {
    chosen(text, &[("point", DecimalSign::Point), ("comma", DecimalSign::Comma)])
}

/// The octets of a file of reasonable size.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = LARGEST_FILE + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The meters of the store; none where there is no store yet, or a file that is still empty.
fn listed(app: &App) -> Result<Vec<ListedMeter>, Failure> {
    let path = app.store_path()?;
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        return Ok(Vec::new());
    }
    Ok(app.reader()?.listed_meters()?)
}

/// Every problem of a plan, by row and column.
fn problems(plan: &Plan) -> Vec<String> {
    let mut all = plan.problems.clone();
    for row in &plan.rows {
        if let Fate::Rejected(reasons) = &row.fate {
            all.extend(reasons.iter().map(|reason| format!("row {}{}", row.line, reason.in_words())));
        }
    }
    all
}

fn told(problems: &[String]) -> String {
    let shown: Vec<&str> = problems.iter().take(MOST_PROBLEMS).map(String::as_str).collect();
    let more = problems.len() - shown.len();
    let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("\n"))
}

fn meters(count: usize) -> String {
    if count == 1 { "1 meter".to_owned() } else { format!("{count} meters") }
}

impl Import {
    /// What each column means: by its header, or as it was told. A header that says nothing is an error: a column
    /// that was misspelt must not be left out without a word.
    fn columns(&self, header: &[String]) -> Result<Vec<Option<Column>>, String> {
        let known = || Column::ALL.iter().map(Column::header).collect::<Vec<_>>().join(", ");
        let mut told: BTreeMap<&str, Option<Column>> = BTreeMap::new();
        for pair in &self.column {
            let (name, column) =
                pair.split_once('=').ok_or_else(|| format!("--column {pair}: write HEADER=COLUMN"))?;
            let meant =
                match column.trim() {
                    "" => None,
                    word => Some(Column::of_header(word).ok_or_else(|| {
                        format!("--column {pair}: `{word}` is not known: write {}", known())
                    })?),
                };
            let name = header
                .iter()
                .find(|own| own.eq_ignore_ascii_case(name.trim()))
                .ok_or_else(|| format!("--column {pair}: the file has no column `{}`", name.trim()))?;
            told.insert(name, meant);
        }
        let guessed = guess(header, &BTreeMap::new());
        let mut unknown = Vec::new();
        let mut columns = Vec::new();
        for (name, guessed) in header.iter().zip(guessed) {
            // A header that stands there twice is found by the plan.
            let column = match told.get(name.as_str()) {
                Some(told) => told.clone(),
                None => guessed.or_else(|| Column::of_header(name)),
            };
            if column.is_none() && !told.contains_key(name.as_str()) && !is_of_rejects(name) {
                unknown.push(format!(
                    "row 1: the column `{name}` is not known: write {}, or tell what it means with --column",
                    known()
                ));
            }
            columns.push(column);
        }
        if unknown.is_empty() {
            Ok(columns)
        } else {
            Err(format!("nothing was added\n{}", unknown.join("\n")))
        }
    }

    /// The file's cells, and what they would do.
    fn plan(&self, app: &App) -> Result<(Sheet, Style, Plan), Failure> {
        let fail = |reason: String| Failure::usage(format!("{}: {reason}", self.file.display()));
        let bytes = read(&self.file).map_err(fail)?;
        let looks = Style::detect(&bytes);
        let style = Style {
            encoding: self.encoding.unwrap_or(looks.encoding),
            separator: self.separator.unwrap_or(looks.separator),
            decimal: self.decimal.unwrap_or(looks.decimal),
        };
        let sheet = Sheet::read(&bytes, style).map_err(fail)?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let choices = Choices {
            columns: self.columns(&sheet.header).map_err(fail)?,
            decimal: style.decimal,
            key: if self.by == By::Serial { Key::Serial } else { Key::Name },
            known: match self.update {
                Update::No => Known::AddOnly,
                Update::Also => Known::AddAndUpdate,
                Update::Only => Known::UpdateOnly,
            },
            empty: if self.empty == Cells::Clear { Empty::Clear } else { Empty::Leave },
            cause: format!("import of {name}"),
            templates: app.catalogue()?,
        };
        let plan = plan(&sheet, &listed(app)?, &choices);
        Ok((sheet, style, plan))
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let fail = |reason: String| Failure::usage(format!("{}: {reason}", self.file.display()));
        let (sheet, style, plan) = self.plan(app)?;
        let counts = plan.counts;
        let problems = problems(&plan);
        let takes_some = self.rejected.is_some() && plan.problems.is_empty();
        if !problems.is_empty() && !takes_some && !self.dry_run {
            return Err(fail(format!("nothing was added\n{}", told(&problems))));
        }
        if let Some(path) = self.rejected.as_ref().filter(|_| counts.rejected > 0) {
            write_whole(path, |out| write_rejected(&sheet, &plan, style.separator, out))
                .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", path.display())))?;
        }
        let is_plain = !self.dry_run && self.update == Update::No && self.rejected.is_none();
        if !self.dry_run && counts.new + counts.changed > 0 {
            app.edit(Edit::ChangeMeters(Box::new(plan.changes)))?;
        }
        let document = || -> Value {
            if is_plain {
                return json!({ "added": counts.new });
            }
            json!({
                "added": counts.new, "changed": counts.changed, "unchanged": counts.unchanged,
                "rejected": counts.rejected, "dry_run": self.dry_run, "problems": problems,
            })
        };
        app.print(document, |out| {
            let verbs = if self.dry_run { ["Would add", "would change"] } else { ["Added", "changed"] };
            write!(out, "{} {}", verbs[0], meters(counts.new))?;
            if !is_plain {
                write!(
                    out,
                    ", {} {}; {} unchanged, {} rejected",
                    verbs[1], counts.changed, counts.unchanged, counts.rejected
                )?;
            }
            writeln!(out)?;
            if !problems.is_empty() {
                writeln!(out, "{}", told(&problems))?;
            }
            Ok(())
        })?;
        Ok(if problems.is_empty() { DONE } else { SOME_FAILED })
    }
}
