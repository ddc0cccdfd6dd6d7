//! Keys, flashes and campaigns.

use super::{Scratch, at, config};
use crate::model::{CampaignPlan, CampaignState, FlashOutcome, FlashPhase, MeterId};
use crate::store::{FlashRow, NewCampaign, campaign_counts};

const PACKAGE: [u8; 32] = [7; 32];

fn row(outcome: FlashOutcome, blocks_done: u32) -> FlashRow {
    FlashRow {
        phase: FlashPhase::Blocks,
        outcome,
        blocks_done,
        blocks: 9,
        message: "cut".to_owned(),
        updated: at("2026-11-22T00:00:00Z"),
        state: "{}".to_owned(),
    }
}

fn meters(scratch: &mut Scratch, count: u32) -> Vec<MeterId> {
    (0..count).map(|number| scratch.store.add_meter(&config(&format!("M{number}"))).unwrap()).collect()
}

#[test]
fn a_key_is_trusted_until_it_is_not_and_the_audit_chain_knows() {
    let mut scratch = Scratch::new();
    let now = at("2026-11-22T00:00:00Z");
    scratch.store.trust_key(now, &[1; 32], "Release").unwrap();
    assert!(scratch.store.trust_key(now, &[1; 32], "Again").is_err());
    assert!(scratch.store.trust_key(now, &[2; 32], "Release").is_err(), "a name tells one key");
    assert_eq!(scratch.again().trusted_keys().unwrap().len(), 1);
    scratch.store.untrust_key(now, &[1; 32]).unwrap();
    assert!(scratch.store.untrust_key(now, &[1; 32]).is_err());
    assert!(scratch.store.trusted_keys().unwrap().is_empty());
    let what: Vec<String> = scratch.store.audit_rows(2).unwrap().into_iter().map(|row| row.what).collect();
    assert_eq!(what, ["firmware key no longer trusted", "firmware key trusted"]);
}

#[test]
fn a_flash_is_found_again_by_meter_and_package() {
    let (mut scratch, meter) = Scratch::with_meter();
    scratch.store.put_flash(meter, &PACKAGE, &row(FlashOutcome::Open, 3)).unwrap();
    scratch.store.put_flash(meter, &PACKAGE, &row(FlashOutcome::Open, 4)).unwrap();
    assert_eq!(scratch.again().flash(meter, &PACKAGE).unwrap(), Some(row(FlashOutcome::Open, 4)));
    assert_eq!(scratch.store.flash(meter, &[8; 32]).unwrap(), None);
    let other = scratch.store.unfinished_flash(meter, &[8; 32]).unwrap();
    assert_eq!(other, Some((PACKAGE, row(FlashOutcome::Open, 4))));
    assert_eq!(scratch.store.unfinished_flash(meter, &PACKAGE).unwrap(), None);
    scratch.store.give_up_flashes(at("2026-11-22T00:00:00Z"), meter, &[8; 32]).unwrap();
    assert_eq!(scratch.store.unfinished_flash(meter, &[8; 32]).unwrap(), None);
}

#[test]
fn a_campaign_goes_on_with_the_same_package_and_meters() {
    let mut scratch = Scratch::new();
    let meters = meters(&mut scratch, 3);
    let plan = CampaignPlan { canary: 1, ..CampaignPlan::default() };
    let waves: Vec<(MeterId, u32)> =
        (0..).zip(&meters).map(|(place, meter)| (*meter, plan.wave_of(place))).collect();
    let now = at("2026-11-22T00:00:00Z");
    let new = NewCampaign {
        package: PACKAGE,
        file: "x.mtwfw",
        version: "1.5.0",
        manifest: "{}",
        plan: &plan,
        meters: &waves,
    };
    let id = scratch.store.begin_campaign(now, &new).unwrap();
    scratch.store.put_flash(meters[0], &PACKAGE, &row(FlashOutcome::Flashed, 9)).unwrap();
    assert_eq!(scratch.store.open_campaign(&PACKAGE, &meters).unwrap(), Some(id));
    assert_eq!(scratch.store.open_campaign(&PACKAGE, &meters[..2]).unwrap(), None);
    let members = scratch.store.campaign_meters(id).unwrap();
    assert_eq!(members.iter().map(|one| one.wave).collect::<Vec<_>>(), [0, 1, 1]);
    assert!(campaign_counts(&members).contains(&(FlashOutcome::Open, 2)));
    scratch.store.put_campaign(now, id, CampaignState::Done, "", None).unwrap();
    assert_eq!(scratch.store.open_campaign(&PACKAGE, &meters).unwrap(), None);
    let campaign = scratch.store.campaign(id).unwrap().unwrap();
    assert_eq!((campaign.plan, campaign.state, campaign.ended), (plan, CampaignState::Done, Some(now)));
}

#[test]
fn the_last_flash_of_a_meter_is_the_one_that_was_written_to_last() {
    let (mut scratch, meter) = Scratch::with_meter();
    assert_eq!(scratch.store.last_flash(meter).unwrap(), None);
    let later = FlashRow { updated: at("2026-11-23T00:00:00Z"), ..row(FlashOutcome::Failed, 5) };
    scratch.store.put_flash(meter, &PACKAGE, &later).unwrap();
    scratch.store.put_flash(meter, &[8; 32], &row(FlashOutcome::Flashed, 9)).unwrap();
    let last = scratch.again().last_flash(meter).unwrap().unwrap();
    assert_eq!((last.outcome, last.blocks, last.updated), (FlashOutcome::Failed, (5, 9), later.updated));
    assert_eq!((last.version, last.message.as_str()), (None, "cut"), "no campaign names its version");
    let plan = CampaignPlan::default();
    let new = NewCampaign {
        package: PACKAGE,
        file: "x.mtwfw",
        version: "1.5.0",
        manifest: "{}",
        plan: &plan,
        meters: &[(meter, 1)],
    };
    scratch.store.begin_campaign(later.updated, &new).unwrap();
    assert_eq!(scratch.store.last_flash(meter).unwrap().unwrap().version.as_deref(), Some("1.5.0"));
    let newest = FlashRow { updated: at("2026-11-24T00:00:00Z"), ..row(FlashOutcome::Flashed, 9) };
    scratch.store.put_flash(meter, &[8; 32], &newest).unwrap();
    assert_eq!(scratch.store.last_flash(meter).unwrap().unwrap().outcome, FlashOutcome::Flashed);
}

#[test]
fn campaigns_are_listed_newest_first_each_with_its_meters_in_order() {
    let mut scratch = Scratch::new();
    let meters = meters(&mut scratch, 4);
    let plan = CampaignPlan { stop_unreachable: Some(3), ..CampaignPlan::default() };
    let now = at("2026-11-22T00:00:00Z");
    let backwards: Vec<(MeterId, u32)> = meters.iter().rev().map(|meter| (*meter, 1)).collect();
    for version in ["1.5.0", "1.6.0"] {
        let new = NewCampaign {
            package: PACKAGE,
            file: "x.mtwfw",
            version,
            manifest: "{}",
            plan: &plan,
            meters: &backwards,
        };
        scratch.store.begin_campaign(now, &new).unwrap();
    }
    let listed = scratch.again().campaigns(9).unwrap();
    assert_eq!(listed.iter().map(|row| row.version.as_str()).collect::<Vec<_>>(), ["1.6.0", "1.5.0"]);
    assert_eq!(scratch.store.campaigns(1).unwrap().len(), 1);
    assert_eq!(listed[0].plan, plan);
    let names: Vec<String> =
        scratch.store.campaign_meters(listed[0].id).unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["M3", "M2", "M1", "M0"]);
    assert_eq!(scratch.store.campaign(99).unwrap(), None);
    assert!(scratch.store.campaign_meters(99).unwrap().is_empty());
    assert!(scratch.store.put_campaign(now, 99, CampaignState::Done, "", None).is_err());
    let audit = scratch.store.audit_rows(2).unwrap();
    assert!(audit.iter().all(|row| row.what == "firmware campaign begun"), "{audit:?}");
}

#[test]
fn a_makers_key_is_trusted_until_it_is_not_and_no_setting_goes_around_the_audit_chain() {
    let mut scratch = Scratch::new();
    let now = at("2026-11-22T00:00:00Z");
    let (one, other) = ([4; 65], [5; 65]);
    scratch.store.trust_maker_key(now, &one, "Acme").unwrap();
    assert!(scratch.store.trust_maker_key(now, &one, "Again").is_err());
    assert!(scratch.store.trust_maker_key(now, &other, "Acme").is_err(), "a name tells one key");
    scratch.store.trust_maker_key(now, &other, "Aardvark").unwrap();
    let rows = scratch.again().maker_keys().unwrap();
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Aardvark", "Acme"]);
    assert_eq!((rows[1].public, rows[1].trusted_at), (one, now));
    assert!(scratch.store.put_setting("firmware.maker-keys", "[]").is_err());
    scratch.store.untrust_maker_key(now, &one).unwrap();
    assert!(scratch.store.untrust_maker_key(now, &one).is_err());
    assert_eq!(scratch.store.maker_keys().unwrap().len(), 1);
    let what: Vec<String> = scratch.store.audit_rows(3).unwrap().into_iter().map(|row| row.what).collect();
    assert_eq!(what, ["maker's key no longer trusted", "maker's key trusted", "maker's key trusted"]);
    scratch.store.put_setting("gui.theme", "dark").unwrap();
}
