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
