//! `meter add NAME --line LINE …`

use clap::Args;
use serde_json::json;

use super::settings::{Settings, has, missing_note};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::comms::Edit;
use crate::model::{Line, MeterConfig};

/// Adds a meter.
#[derive(Args, Debug)]
pub(in crate::cli) struct Add {
    /// The name that it goes by
    name: String,
    /// Where it hangs: tcp://host:port, tcp+hdlc://host:port, serial:/dev/ttyUSB0?baud=9600&format=8n1, …
    #[arg(long)]
    line: Line,
    #[command(flatten)]
    settings: Settings,
}

impl Add {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let mut config = MeterConfig::new(self.name.trim(), self.line.clone());
        self.settings.apply(&mut config, None);
        let secrets = app.meter_secrets()?;
        let note = missing_note(&config, has(&secrets));
        let name = config.name.clone();
        app.edit(Edit::AddMeters(vec![(config, secrets)]))?;
        if let Some(note) = note {
            app.tell(&note);
        }
        app.print(|| json!({ "added": [name] }), |out| writeln!(out, "Added {name}"))?;
        Ok(DONE)
    }
}
