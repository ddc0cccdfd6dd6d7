//! `meterwright listen [--tcp ADDR] [--udp ADDR] [--seconds N]` and `listen --aside`

use std::net::SocketAddr;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::interrupt::Interrupt;
use super::table::Table;
use crate::comms::{ASIDE_KEY, Aside, Event, PushPlaces};

/// How often it is looked whether the user asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Takes what meters push by themselves, until it is stopped.
#[derive(Args, Debug)]
pub(super) struct Listen {
    /// Listen over TCP, as often as needed, such as `0.0.0.0:4059` or `[::]:4059`
    #[arg(long, value_name = "ADDR")]
    tcp: Vec<SocketAddr>,
    /// Listen over UDP, as often as needed
    #[arg(long, value_name = "ADDR")]
    udp: Vec<SocketAddr>,
    /// Stop after so many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Stop after so many messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print the messages of strangers that were kept aside, and end
    #[arg(long, conflicts_with_all = ["tcp", "udp"])]
    aside: bool,
}

impl Listen {
    fn show_aside(app: &App) -> Outcome {
        let kept = app.reader()?.setting(ASIDE_KEY)?;
        let aside: Vec<Aside> = match kept {
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| Failure::internal(format!("what was kept aside cannot be read: {error}")))?,
            None => Vec::new(),
        };
        app.print(
            || json!({ "aside": aside }),
            |out| {
                let mut table = Table::new(&["at", "from", "times", "why", "octets"]);
                for one in &aside {
                    table.row(vec![
                        one.at.to_string(),
                        one.from.clone(),
                        one.times.to_string(),
                        one.why.clone(),
                        one.hex.clone(),
                    ]);
                }
                table.write(out)
            },
        )?;
        Ok(DONE)
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        if self.aside {
            return Self::show_aside(app);
        }
        if self.tcp.is_empty() && self.udp.is_empty() {
            return Err(Failure::usage(
                "say where to listen: --tcp 0.0.0.0:4059, --udp 0.0.0.0:4059, or both",
            ));
        }
        let comms = app.comms()?;
        let interrupt = Interrupt::watch();
        let events = comms.listen(|| {});
        let bound = comms.take_pushes(PushPlaces { tcp: self.tcp.clone(), udp: self.udp.clone() })?;
        for (word, address) in bound
            .tcp
            .iter()
            .map(|address| ("tcp", address))
            .chain(bound.udp.iter().map(|address| ("udp", address)))
        {
            app.tell(&format!("Listening on {word}://{address}"));
        }
        let names: std::collections::HashMap<_, _> =
            app.reader()?.meters()?.into_iter().map(|row| (row.id, row.config.name)).collect();
        let end = self.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut taken = Vec::new();
        let mut count = 0;
        while !interrupt.is_asked()
            && end.is_none_or(|end| Instant::now() < end)
            && self.count.is_none_or(|most| count < most)
        {
            match events.recv_timeout(LOOK) {
                Ok(Event::Pushed { meter, from, words }) => {
                    count += 1;
                    let name = meter.and_then(|meter| names.get(&meter)).cloned();
                    app.tell(&format!("{} from {from}: {words}", name.as_deref().unwrap_or("A stranger")));
                    // A document at the end, where somebody waits for it.
                    if app.global.json && (self.count.is_some() || self.seconds.is_some()) {
                        taken.push(json!({ "meter": name, "from": from, "result": words }));
                    }
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::internal("the communications thread broke off"));
                }
            }
        }
        comms.stop();
        app.print(
            || json!({ "pushes": taken, "summary": { "messages": count } }),
            |out| writeln!(out, "{count} messages"),
        )?;
        Ok(DONE)
    }
}
