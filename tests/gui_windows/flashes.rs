//! Signed packages in files, and campaigns as the store would have them, for the fake.

use std::path::{Path, PathBuf};

use meterwright::firmware::{Draft, Hex, Package, SigningKeyFile, TrustedKey, package};
use meterwright::gui::data::{CampaignFile, CampaignLine};
use meterwright::model::{CampaignPlan, CampaignState, Fault, FlashOutcome, FlashPhase, MeterId};
use meterwright::store::{CampaignMeter, CampaignRow, FlashRow, KeyRow};

use crate::fake::{Fake, now};

/// A package of version 2.15.0 for every meter of the fake, and the key that signed it.
pub fn packed(folder: &Path, version: &str) -> (PathBuf, TrustedKey) {
    let path = folder.join("key");
    let key = match path.exists() {
        true => SigningKeyFile::read(&path, None).unwrap(),
        false => SigningKeyFile::create(&path, "Acme firmware", None).unwrap(),
    };
    let image = vec![0x5A; 57_600];
    let (size, sha256) = package::digest(image.as_slice()).unwrap();
    let draft = Draft {
        maker: "MTW".to_owned(),
        models: vec!["VM-*".to_owned()],
        version: version.to_owned(),
        image_identifier: Hex(b"VM-3P-2.15".to_vec()),
        notes: "Corrects the demand period after a clock change.".to_owned(),
        ..Draft::default()
    };
    let manifest = draft.finish(size, sha256).unwrap();
    let path = folder.join(format!("vm-3p-{version}.mtwfw"));
    let file = std::fs::File::create(&path).unwrap();
    package::write(file, &manifest, image.as_slice(), &key).unwrap();
    (path, key.public())
}

/// Trusts a key in the fake's store.
pub fn trust(fake: &Fake, key: &TrustedKey) {
    let row = KeyRow { public: key.public, name: key.name.clone(), trusted_at: now() };
    fake.world(|world| world.keys.push(row));
}

/// What broke a flash off in the middle.
pub fn cut() -> Fault {
    Fault::line("the connection was reset after block 312", "check the line, then resume the campaign")
}

/// How a meter of a campaign stands.
pub fn line(fake: &Fake, id: i64, wave: u32, flash: Option<(FlashPhase, FlashOutcome, u32)>) -> CampaignLine {
    let meter = MeterId(id);
    let name = fake.world(|world| {
        let row = world.meters.iter().find(|row| row.id == meter).unwrap();
        row.config.name.clone()
    });
    let flash = flash.map(|(phase, outcome, blocks_done)| FlashRow {
        phase,
        outcome,
        blocks_done,
        blocks: 900,
        message: String::new(),
        updated: now(),
        state: "{}".to_owned(),
    });
    CampaignLine {
        meter: CampaignMeter { meter, name, wave, flash },
        version_before: Some("2.14.0".to_owned()),
        version_after: None,
        fault: None,
    }
}

/// A campaign with some meters done, one broken off in the middle, and the others not begun.
pub fn campaign(fake: &Fake, id: i64, file: &Path, meters: i64, state: CampaignState) -> CampaignFile {
    let package = Package::open(file).unwrap();
    let lines = (1..=meters).map(|id| match id {
        1 => {
            let mut line = line(fake, id, 0, Some((FlashPhase::Done, FlashOutcome::Flashed, 900)));
            line.version_after = Some("2.15.0".to_owned());
            line
        }
        2 => {
            let mut line = line(fake, id, 0, Some((FlashPhase::Blocks, FlashOutcome::Open, 312)));
            line.fault = Some(cut());
            line.meter.flash.as_mut().unwrap().message = cut().to_string();
            line
        }
        _ => line(fake, id, 1, None),
    });
    CampaignFile {
        lines: lines.collect(),
        row: CampaignRow {
            id,
            package: package.id(),
            file: file.display().to_string(),
            version: package.manifest().version.clone(),
            manifest: "{}".to_owned(),
            plan: CampaignPlan { canary: 2, ..CampaignPlan::default() },
            began: now(),
            ended: None,
            state,
            reason: String::new(),
        },
    }
}

/// Lets so many meters of a campaign fail, each in another way, from the third one on.
#[allow(dead_code, reason = "the real window uses it")]
pub fn fail(campaign: &mut CampaignFile, count: usize) {
    let faults = [
        Fault::line(
            "no answer within 6 s after block 17",
            "check that the line is up, then resume the campaign",
        ),
        Fault::meter(
            "the meter refused the image: verification failed",
            "see that the package is for this model",
        ),
        Fault::refused(
            "the meter runs 2.16.0, which is later than 2.15.0",
            "allow a downgrade with its reason",
        ),
    ];
    for (number, line) in campaign.lines.iter_mut().skip(2).take(count).enumerate() {
        let fault = faults[number % faults.len()].clone();
        let (phase, outcome) = [
            (FlashPhase::Blocks, FlashOutcome::Open),
            (FlashPhase::Verify, FlashOutcome::Failed),
            (FlashPhase::Identify, FlashOutcome::Refused),
        ][number % 3];
        line.meter.flash = Some(FlashRow {
            phase,
            outcome,
            blocks_done: if number % 3 == 0 { 17 } else { 0 },
            blocks: 900,
            message: fault.to_string(),
            updated: now(),
            state: "{}".to_owned(),
        });
        line.fault = Some(fault);
    }
}
