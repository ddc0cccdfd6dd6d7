//! `meter set NAME …`

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::settings::{Settings, missing_note};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::select;
use crate::comms::Edit;
use crate::model::{Line, Secret, SecretKind};

/// Changes a meter. A text that is left empty takes the setting away.
#[derive(Args, Debug)]
pub(in crate::cli) struct Set {
    /// The meter
    name: String,
    /// Another name
    #[arg(long, value_name = "NEW")]
    rename: Option<String>,
    /// Where it hangs
    #[arg(long)]
    line: Option<Line>,
    #[command(flatten)]
    settings: Settings,
    /// Take away a secret of this kind, as often as needed
    #[arg(long, value_name = "KIND")]
    forget_secret: Vec<String>,
}

impl Set {
    /// Secrets to replace, and those to take away.
    fn secrets(&self, app: &App) -> Result<BTreeMap<SecretKind, Option<Secret>>, Failure> {
        let mut all = BTreeMap::new();
        for kind in &self.forget_secret {
            let kind = kind.parse().map_err(|error| Failure::usage(format!("--forget-secret: {error}")))?;
            all.insert(kind, None);
        }
        for (kind, secret) in app.secrets()? {
            all.insert(kind, Some(secret));
        }
        Ok(all)
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        let secrets = self.secrets(app)?;
        let store = app.reader()?;
        let row = select::one(&store, &self.name)?;
        let mut config = row.config;
        self.settings.apply(&mut config, self.line.as_ref());
        if let Some(name) = &self.rename {
            name.trim().clone_into(&mut config.name);
        }
        let stored = store.secret_kinds(row.id)?;
        let note = missing_note(&config, |kind| match secrets.get(&kind) {
            Some(change) => change.is_some(),
            None => stored.contains(&kind),
        });
        drop(store);
        let name = config.name.clone();
        app.edit(Edit::UpdateMeter { id: row.id, config: Box::new(config), secrets })?;
        if let Some(note) = note {
            app.tell(&note);
        }
        app.print(|| json!({ "changed": [name] }), |out| writeln!(out, "Changed {name}"))?;
        Ok(DONE)
    }
}
