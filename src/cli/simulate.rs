//! `meterwright simulate`: virtual meters until the program is stopped.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::Failure;
use super::scheme::octets;
use super::table::Table;
use crate::comms::Edit;
use crate::model::template::check::{LARGEST, check_bytes};
use crate::model::{Catalogue, hex};
use crate::simulator::server::{CLIENTS, ClientRule};
use crate::simulator::{Fleet, FleetOptions, Framing, Lines, PushTo, SimulatedMeter, SimulationClock, World};

/// Runs virtual meters. Their passwords and keys are the same everywhere and printed with --json: they guard nothing.
#[derive(Args, Debug)]
pub(super) struct Simulate {
    /// How many meters
    #[arg(long, value_name = "N", default_value_t = 1)]
    meters: u32,
    /// Template whose model they play: one that ships, one of the store's own, or a template file
    #[arg(long, value_name = "T", default_value = "dlms-generic")]
    template: String,
    /// Where to listen: HOST:PORT or tcp://HOST:PORT (wrapper; IEC 62056-21 for a template of Elster), udp://HOST:PORT,
    /// tcp+hdlc://HOST:PORT, tcp+flag://HOST:PORT, pty, or modem (an AT modem on a pseudo-terminal, where each meter
    /// answers at its serial number); an IPv6 address in brackets; port 0 lets the system choose, another is the first of a row
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: Listen,
    /// So many meters share a line: an HDLC bus, or a concentrator with the gateway's prefix
    #[arg(long, value_name = "N", default_value_t = 1)]
    per_line: u16,
    /// The meters push their last interval to tcp://HOST:PORT or udp://HOST:PORT
    #[arg(long, value_name = "ADDR")]
    push: Option<PushTo>,
    /// They push the bare values of their push setup's list, rows of profile and log among them, not each value behind
    /// its code
    #[arg(long, requires = "push")]
    push_list: bool,
    /// How often they push, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u32).range(1..))]
    push_every: u32,
    /// A fault, as often as needed: late=MS, latency=MS, jitter=MS, rate=BYTES, loss=PERCENT, burst=PERCENT/LENGTH,
    /// garbage=PERCENT, duplicate=PERCENT, reorder=PERCENT, half-open=PERCENT, dead=PERCENT, reset=N, clock=SECONDS,
    /// wrong-clock=PERCENT, counter=N, image:WORD, quirk:WORD, or a mixture: plc, plc-fast, mesh, mesh-far, mesh-fast, gprs, lte
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<String>,
    /// Everything that looks like chance follows from it
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The meters' time stands at this instant (RFC 3339), so that their figures do not move [default: it goes as on
    /// this computer]
    #[arg(long, value_name = "T")]
    at: Option<Timestamp>,
    /// Add the meters to the store
    #[arg(long)]
    add: bool,
}

/// Where to listen, and what is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listen {
    framing: Framing,
    address: SocketAddr,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        match text {
            "pty" => return Ok(Self { framing: Framing::Pty, address: here }),
            "modem" => return Ok(Self { framing: Framing::Modem, address: here }),
            _ => {}
        }
        let (framing, host) = match text.split_once("://") {
            None => (Framing::Wrapper, text),
            Some(("tcp", host)) => (Framing::Wrapper, host),
            Some(("udp", host)) => (Framing::Udp, host),
            Some(("tcp+hdlc", host)) => (Framing::Hdlc, host),
            Some(("tcp+flag", host)) => (Framing::Flag, host),
            Some((scheme, _)) => {
                return Err(format!(
                    "`{scheme}` is not simulated: write tcp://, udp://, tcp+hdlc://, tcp+flag://, pty or modem"
                ));
            }
        };
        let mut found = host
            .to_socket_addrs()
            .map_err(|error| format!("{error}; write HOST:PORT, such as 127.0.0.1:4059"))?;
        let address = found.next().ok_or("the host has no address")?;
        Ok(Self { framing, address })
    }
}

fn document(meter: &SimulatedMeter) -> Value {
    let SimulatedMeter { config, secrets } = meter;
    json!({
        "name": config.name,
        "serial": config.serial,
        "line": config.line,
        "template": config.template,
        "address": config.address,
        "client": config.client,
        "auth": config.auth,
        "security": config.security,
        "time_zone": config.time_zone,
        "password": secrets.password.as_ref().map(|text| String::from_utf8_lossy(text.expose()).into_owned()),
        "encryption_key": secrets.encryption_key.as_ref().map(|key| hex(key.expose())),
        "authentication_key": secrets.authentication_key.as_ref().map(|key| hex(key.expose())),
    })
}

/// A way in that every virtual meter has beside the one in its settings.
fn client_document(rule: &ClientRule) -> Value {
    json!({ "client": rule.client, "auths": rule.auths })
}

/// Whether a word names a file: a template's name has no such end, and no folder in front.
fn is_file(word: &str) -> bool {
    word.contains(std::path::is_separator) || word.to_ascii_lowercase().ends_with(".json")
}

impl Simulate {
    /// The name of the template, among the templates that there are.
    fn template(&self, app: &App) -> Result<(String, Catalogue), Failure> {
        let stored = app.catalogue()?;
        if !is_file(&self.template) {
            stored.shared(&self.template).map_err(|error| Failure::usage(error.to_string()))?;
            return Ok((self.template.clone(), stored));
        }
        let fail = |reason: String| Failure::usage(format!("{}: {reason}", self.template));
        let largest = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        let checked = check_bytes(&octets(Path::new(&self.template), largest)?);
        let Some(template) = checked.template else {
            let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
            return Err(fail(problems.join("\n")));
        };
        if self.add && stored.shared(&template.name).map_or(true, |known| *known != template) {
            return Err(fail(format!(
                "with --add the store has to know it as {}: `meterwright template import` takes it in",
                template.name
            )));
        }
        let templates = stored.with(&template);
        Ok((template.name, templates))
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let (template, templates) = self.template(app)?;
        if self.meters == 0 {
            return Err(Failure::usage("--meters wants at least 1"));
        }
        let options = FleetOptions {
            meters: self.meters,
            template,
            listen: self.listen.address,
            framing: self.listen.framing,
            seed: self.seed,
            faults: self.faults.clone(),
        };
        let lines = Lines {
            meters_per_line: self.per_line,
            push: self.push,
            push_list: self.push_list,
            push_every: self.push_every,
            ..Lines::default()
        };
        let clock = self.at.map_or(SimulationClock::Real, SimulationClock::Fixed);
        let world = World { clock, templates, ..World::default() };
        let fleet = Fleet::start_on(&options, &world, &lines).map_err(Failure::usage)?;
        if self.add {
            let meters = fleet.meters().iter().map(|meter| (meter.config.clone(), meter.secrets.clone()));
            app.edit(Edit::AddMeters(meters.collect()))?;
        }
        app.print(
            || {
                json!({
                    "meters": fleet.meters().iter().map(document).collect::<Vec<_>>(),
                    "clients": CLIENTS.iter().map(client_document).collect::<Vec<_>>(),
                })
            },
            |out| {
                let mut table = Table::new(&["name", "serial", "line", "auth", "security"]);
                for SimulatedMeter { config, .. } in fleet.meters() {
                    table.row(vec![
                        config.name.clone(),
                        config.serial.clone().unwrap_or_default(),
                        config.line.to_string(),
                        config.auth.to_string(),
                        config.security.to_string(),
                    ]);
                }
                table.write(out)
            },
        )?;
        app.tell("The meters answer until this program is stopped (Ctrl-C)");
        // The fleet has a thread of its own; this one only keeps it alive. Parking may end for no reason.
        loop {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_listen_says_what_is_spoken() {
        let listen: Listen = "127.0.0.1:0".parse().unwrap();
        assert_eq!(listen.framing, Framing::Wrapper);
        assert_eq!("tcp+hdlc://127.0.0.1:9000".parse::<Listen>().unwrap().framing, Framing::Hdlc);
        assert_eq!("pty".parse::<Listen>().unwrap().framing, Framing::Pty);
        let six: Listen = "udp://[::1]:0".parse().unwrap();
        assert!(six.framing == Framing::Udp && six.address.is_ipv6());
        assert_eq!("tcp+flag://127.0.0.1:0".parse::<Listen>().unwrap().framing, Framing::Flag);
        assert_eq!("modem".parse::<Listen>().unwrap().framing, Framing::Modem);
        assert!("tcp+dlms://127.0.0.1:1".parse::<Listen>().unwrap_err().contains("tcp+hdlc"));
    }
}
