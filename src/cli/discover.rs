//! `meterwright discover LINE [--addresses 16-99] [--client N] [--add] [--template T] [--group G]`

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure, SOME_FAILED};
use super::interrupt::Interrupt;
use super::jobs::fault_document;
use super::table::Table;
use crate::comms::{Comms, Discovery, Edit, Event, Found, Job, Seat};
use crate::model::{Fault, Gateway, Line, LinePath, MeterConfig, MeterSecrets, ServerAddress};

/// How often it is looked whether the user asked to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Addresses that one search tries at most.
const MOST: usize = 16_384;

/// Finds the meters on a line: stations of an HDLC bus, or meters behind a gateway.
#[derive(Args, Debug)]
pub(super) struct Discover {
    /// The line, such as serial:/dev/ttyUSB0?baud=9600, tcp+hdlc://HOST:PORT or tcp://HOST#gateway=1/0
    line: Line,
    /// Addresses, joined by commas: ranges such as 16-99 (HDLC physical addresses) or 0x0001-0x0040 (behind a
    /// gateway), single ones, 1/17 with a logical part, names behind a gateway [default: 16-99 on a bus]
    #[arg(long, value_name = "LIST")]
    addresses: Option<String>,
    /// Client that asks [default: the template's public client]
    #[arg(long, value_name = "N")]
    client: Option<u16>,
    /// Add what was found to the store
    #[arg(long)]
    add: bool,
    /// Template for how to speak, and for what is added
    #[arg(long, value_name = "T", default_value = "dlms-generic")]
    template: String,
    /// Group of what is added
    #[arg(long, value_name = "G", requires = "add")]
    group: Option<String>,
}

/// A whole number as it was typed: hexadecimal digits keep their width.
fn number(text: &str) -> Option<(u32, Option<usize>)> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok().map(|value| (value, Some(hex.len()))),
        None => text.parse().ok().map(|value| (value, None)),
    }
}

/// The addresses of a list, in order.
fn seats(text: &str, network: Option<u8>) -> Result<Vec<Seat>, String> {
    let mut seats = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let range = part.split_once('-').and_then(|(first, last)| Some((number(first)?, number(last)?)));
        let ((first, width), (last, _)) = match range {
            Some(range) => range,
            None => match (number(part), network) {
                (Some(one), _) => (one, one),
                (None, Some(network)) => {
                    seats.push(Seat::Behind(Gateway { network, address: part.to_owned() }));
                    continue;
                }
                (None, None) => {
                    seats.push(Seat::Server(
                        part.parse::<ServerAddress>().map_err(|error| error.to_string())?,
                    ));
                    continue;
                }
            },
        };
        if last < first || usize::try_from(last - first).unwrap_or(usize::MAX) >= MOST {
            return Err(format!("`{part}` is no range of up to {MOST} addresses"));
        }
        for value in first..=last {
            seats.push(match (network, width) {
                (Some(network), width) => {
                    let address =
                        width.map_or_else(|| value.to_string(), |width| format!("0x{value:0width$X}"));
                    Seat::Behind(Gateway { network, address })
                }
                (None, _) => {
                    let physical = u16::try_from(value).ok().filter(|value| *value < 0x4000);
                    let physical = physical.ok_or_else(|| format!("{value} is no HDLC address"))?;
                    Seat::Server(ServerAddress { logical: 1, physical: Some(physical), bytes: None })
                }
            });
        }
    }
    match seats.len() {
        0 => Err("no address is named".to_owned()),
        count if count > MOST => Err(format!("{count} addresses are more than {MOST}")),
        _ => Ok(seats),
    }
}

fn seat_words(seat: &Seat) -> String {
    match seat {
        Seat::Server(address) => address.to_string(),
        Seat::Behind(gateway) => format!("{}/{}", gateway.network, gateway.address),
    }
}

fn document(found: &Found) -> Value {
    let identity = &found.identity;
    json!({
        "address": seat_words(&found.seat),
        "serial": identity.serial,
        "model": identity.model,
        "logical_device_name": identity.logical_device_name,
        "layer": found.stopped.as_ref().map(|(layer, _)| layer.word()),
        "error": fault_document(found.stopped.as_ref().map(|(_, fault)| fault)),
    })
}

impl Discover {
    fn discovery(&self, app: &App) -> Result<Discovery, Failure> {
        let templates = app.catalogue()?;
        templates.shared(&self.template).map_err(|error| Failure::usage(error.to_string()))?;
        let is_wrapper = matches!(self.line.path, LinePath::Tcp(_) | LinePath::Udp(_));
        let network = self.line.gateway.as_ref().map(|gateway| gateway.network);
        let network = if is_wrapper { Some(network.unwrap_or(1)) } else { network };
        let addresses = match (&self.addresses, network) {
            (Some(addresses), _) => addresses.as_str(),
            (None, None) => "16-99",
            (None, Some(_)) => {
                return Err(Failure::usage(
                    "a gateway has no list of its own: say which addresses, such as --addresses 0x0001-0x0040",
                ));
            }
        };
        let seats = seats(addresses, network).map_err(Failure::usage)?;
        let (line, template) = (self.line.clone(), self.template.clone());
        Ok(Discovery { line, seats, template, client: self.client })
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let discovery = self.discovery(app)?;
        let comms = app.comms()?;
        let searched = self.search(app, &comms, discovery);
        let added = match &searched {
            Ok((found, _)) if self.add => self.add(app, &comms, found),
            _ => Ok(0),
        };
        comms.stop();
        let ((all, fault), added) = (searched?, added?);
        let there: Vec<&Found> = all.iter().filter(|found| found.is_there).collect();
        app.print(
            || {
                let silent = all.iter().filter(|found| !found.is_there);
                json!({
                    "line": self.line,
                    "found": there.iter().map(|found| document(found)).collect::<Vec<_>>(),
                    "silent": silent.map(document).collect::<Vec<_>>(),
                    "error": fault_document(fault.as_ref()),
                    "summary": { "probed": all.len(), "found": there.len(), "added": added },
                })
            },
            |out| {
                let mut table = Table::new(&["address", "serial", "model", "remark"]);
                for found in &there {
                    let remark = found.stopped.as_ref().map(|(_, fault)| fault.message.clone());
                    table.row(vec![
                        seat_words(&found.seat),
                        found.identity.serial.clone().unwrap_or_default(),
                        found.identity.model.clone().unwrap_or_default(),
                        remark.unwrap_or_default(),
                    ]);
                }
                table.write(out)?;
                writeln!(out, "{} of {} addresses answer", there.len(), all.len())?;
                if let Some(fault) = &fault {
                    writeln!(out, "The search ended early: {fault}")?;
                }
                if self.add { writeln!(out, "{added} meters added") } else { Ok(()) }
            },
        )?;
        Ok(if fault.is_some() { SOME_FAILED } else { DONE })
    }

    /// Runs the search; what was found stands although it ended early.
    fn search(
        &self,
        app: &App,
        comms: &Comms,
        discovery: Discovery,
    ) -> Result<(Vec<Found>, Option<Fault>), Failure> {
        let interrupt = Interrupt::watch();
        let events = comms.listen(|| {});
        let wanted = comms.submit(Job::Discover(Box::new(discovery)))?;
        let (mut all, mut fault, mut is_cancelled) = (Vec::new(), None, false);
        loop {
            if interrupt.is_asked() && !is_cancelled {
                is_cancelled = true;
                comms.cancel(wanted);
            }
            match events.recv_timeout(LOOK) {
                Ok(Event::Found { job, found }) if job == wanted => {
                    if found.is_there {
                        app.tell(&format!("{} answers", seat_words(&found.seat)));
                    }
                    all.push(*found);
                }
                Ok(Event::MeterEnded { job, result, .. }) if job == wanted => fault = result.fault,
                Ok(Event::Ended { job, .. }) if job == wanted => return Ok((all, fault)),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::internal("the communications thread broke off before the end"));
                }
            }
        }
    }

    /// Adds what was found, unless a meter with its serial number or in its place is there already.
    fn add(&self, app: &App, comms: &Comms, found: &[Found]) -> Result<usize, Failure> {
        let known = app.reader()?.meters()?;
        let mut meters: Vec<(MeterConfig, MeterSecrets)> = Vec::new();
        for one in found.iter().filter(|found| found.is_there) {
            let mut line = self.line.clone();
            let mut address = None;
            match &one.seat {
                Seat::Server(server) => address = Some(*server),
                Seat::Behind(gateway) => line.gateway = Some(gateway.clone()),
            }
            let serial = one.identity.serial.clone();
            let is_known = known.iter().any(|row| {
                (row.config.line == line && row.config.address == address)
                    || (serial.is_some() && row.config.serial == serial)
            });
            if is_known {
                continue;
            }
            let name =
                serial.clone().unwrap_or_else(|| format!("{} on {}", seat_words(&one.seat), self.line));
            let is_taken = known.iter().any(|row| row.config.name == name)
                || meters.iter().any(|(config, _)| config.name == name);
            let name = if is_taken { format!("{name} at {}", seat_words(&one.seat)) } else { name };
            let mut config = MeterConfig::new(name, line);
            config.template.clone_from(&self.template);
            config.group.clone_from(&self.group);
            (config.serial, config.address, config.client) = (serial, address, self.client);
            meters.push((config, MeterSecrets::default()));
        }
        let count = meters.len();
        if count > 0 {
            let added = comms.edit(Edit::AddMeters(meters)).recv();
            added.map_err(|_| Failure::internal("the communications thread has stopped"))??;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lists_and_names_become_addresses() {
        let words = |text, network| {
            seats(text, network).unwrap().iter().map(seat_words).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("16-18, 2/40", None), "1/16 1/17 1/18 2/40");
        assert_eq!(words("0x0009-0x000B,AB12", Some(3)), "3/0x0009 3/0x000A 3/0x000B 3/AB12");
        assert_eq!(words("7", Some(1)), "1/7");
        for bad in ["", "9-3", "0-99999", "16-x", "70000"] {
            assert!(seats(bad, None).is_err(), "{bad}");
        }
    }
}
