//! The command line (floor 5): one file a command. Its names, shapes and exit codes are a contract with scripts.

mod app;
mod audit;
mod bill;
mod clock;
mod control;
mod demo;
mod discover;
mod export;
mod failure;
mod firmware;
mod flash;
mod holidays;
mod interrupt;
mod jobs;
mod list;
mod listen;
mod meter;
mod notes;
mod on_side;
mod period;
mod point;
mod print;
mod program;
mod progress;
mod ratio;
mod read;
mod run;
mod scheme;
mod secrets;
mod select;
mod show;
mod simulate;
mod stamps;
mod stderr;
mod store;
mod table;
mod template;
mod trace;
mod user;
mod vault;
mod vendor;
mod windows;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use app::{App, Global, Outcome};
use failure::Failure;

const AFTER: &str = "Exit codes: 0 done; 1 some meters failed; 2 wrong usage or bad file; 3 refused; 4 this program's own fault.
Times are RFC 3339, or local dates such as 2026-11-01. Without a command the windows are opened.";

/// Reads, programs and flashes electricity meters.
#[derive(Parser, Debug)]
#[command(name = "meterwright", version = crate::VERSION, after_help = AFTER)]
struct Line {
    #[command(flatten)]
    global: Global,
    /// Open the windows over a simulated fleet of 200 meters in a temporary store; without a display, poll it
    #[arg(long)]
    demo: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "made once, when the program starts")]
enum Command {
    /// Keep the list of meters
    #[command(subcommand)]
    Meter(meter::Meter),
    /// Read meters into the store
    Read(read::Read),
    /// Print what the store holds
    #[command(subcommand)]
    Show(show::Show),
    /// Write readings to a file
    #[command(subcommand)]
    Export(export::Export),
    /// The clock
    #[command(subcommand)]
    Clock(clock::Clock),
    /// Check, try out and compare schemes
    #[command(subcommand)]
    Scheme(scheme::Scheme),
    /// Transformer ratios with their validity
    #[command(subcommand)]
    Ratio(ratio::RatioCommand),
    /// Metering points: where meters hang, and what was used there
    #[command(subcommand)]
    Point(point::Point),
    /// What went over the line
    #[command(subcommand)]
    Trace(trace::Trace),
    /// End the billing period of a meter
    BillingReset(control::BillingReset),
    /// Open, arm or close the contactor of a meter
    #[command(subcommand)]
    Contactor(control::Contactor),
    /// Keep and run meter lists: which meters, what to do, when
    #[command(subcommand)]
    List(list::List),
    /// Run meter lists when their time comes, without windows, until stopped
    Run(run::Run),
    /// Run virtual meters on real sockets or pseudo-terminals
    Simulate(simulate::Simulate),
    /// Signed firmware packages, and flashing
    #[command(subcommand)]
    Firmware(firmware::Firmware),
    /// Find the meters on a line
    Discover(discover::Discover),
    /// Take what meters push by themselves
    Listen(listen::Listen),
    /// Look after the store: its size, checks, compaction, retention, backups
    #[command(subcommand)]
    Store(store::Store),
    /// Templates: what differs between meter models
    #[command(subcommand)]
    Template(template::Template),
    /// People and their roles
    #[command(subcommand)]
    User(user::User),
    /// The vault that keeps secrets
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Who did what, and whether the chain of it is whole
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Traces of this program itself go to standard error where `RUST_LOG` asks for them.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // What it cannot write it would tell on standard error, and break off where that is what is gone.
        .log_internal_errors(false);
    // A second start in one process keeps the first log.
    let _started = log.try_init();
}

fn run(line: Line) -> Outcome {
    let app = App::new(line.global);
    match line.command {
        Some(_) if line.demo => Err(Failure::usage("--demo stands alone, without a command")),
        None if line.demo => demo::run(&app),
        None => windows::run(&app),
        Some(Command::Meter(command)) => command.run(&app),
        Some(Command::Read(command)) => command.run(&app),
        Some(Command::Show(command)) => command.run(&app),
        Some(Command::Export(command)) => command.run(&app),
        Some(Command::Clock(command)) => command.run(&app),
        Some(Command::Scheme(command)) => command.run(&app),
        Some(Command::Ratio(command)) => command.run(&app),
        Some(Command::Point(command)) => command.run(&app),
        Some(Command::Trace(command)) => command.run(&app),
        Some(Command::BillingReset(command)) => command.run(&app),
        Some(Command::Contactor(command)) => command.run(&app),
        Some(Command::List(command)) => command.run(&app),
        Some(Command::Run(command)) => command.run(&app),
        Some(Command::Simulate(command)) => command.run(&app),
        Some(Command::Firmware(command)) => command.run(&app),
        Some(Command::Discover(command)) => command.run(&app),
        Some(Command::Listen(command)) => command.run(&app),
        Some(Command::Store(command)) => command.run(&app),
        Some(Command::Template(command)) => command.run(&app),
        Some(Command::User(command)) => command.run(&app),
        Some(Command::Vault(command)) => command.run(&app),
        Some(Command::Audit(command)) => command.run(&app),
    }
}

/// Whether `--json` was given on a command line that does not parse.
fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}

/// A script that asked for a document gets one however a command ends.
fn write_document(failure: &Failure) {
    if !failure.is_silent() {
        // Whoever is gone needs no document.
        let _written = writeln!(io::stdout(), "{}", failure.document());
    }
}

/// Wrong words on the command line, without the usage that clap puts under them.
fn misread(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    Failure::usage(first.strip_prefix("error: ").unwrap_or(first))
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    start_log();
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) if error.use_stderr() => {
            let failure = misread(&error);
            if wants_json() {
                write_document(&failure);
            }
            let _printed = error.print();
            return failure.exit_code();
        }
        Err(help) => {
            // Where not even help and version can be printed, nobody reads.
            let _printed = help.print();
            return ExitCode::from(failure::DONE);
        }
    };
    let json = line.global.json;
    match run(line) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if json {
                write_document(&failure);
            }
            if !failure.is_silent() {
                stderr::line(format_args!("meterwright: {failure}"));
            }
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_before_or_after_the_command() {
        for words in [
            ["meterwright", "--store", "x.db", "--json", "meter", "list"],
            ["meterwright", "meter", "list", "--json", "--store", "x.db"],
        ] {
            let line = Line::try_parse_from(words).unwrap();
            assert!(line.global.json && line.global.store.is_some());
        }
    }
}
