//! Where a flash goes on, from its state and from what the meter says.

use crate::drivers::dlms::{Bits, ImageInfo};

use super::manifest::Hex;
use super::state::{FlashState, Initiated};

/// image_transfer_status (IEC 62056-6-2, class 18, attribute 6).
pub(super) mod status {
    /// No transfer was initiated.
    pub(crate) const NOT_INITIATED: u8 = 0;
    /// A transfer was initiated.
    pub(crate) const INITIATED: u8 = 1;
    /// The meter verifies.
    pub(crate) const VERIFYING: u8 = 2;
    /// The image is sound.
    pub(crate) const VERIFIED: u8 = 3;
    /// The image is not sound.
    pub(crate) const VERIFY_FAILED: u8 = 4;
    /// The meter activates.
    pub(crate) const ACTIVATING: u8 = 5;
    /// The image was activated.
    pub(crate) const ACTIVATED: u8 = 6;
    /// The activation failed.
    pub(crate) const ACTIVATION_FAILED: u8 = 7;
}

/// What a meter says of its image transfer; nothing where it does not say.
#[derive(Clone, Debug, Default)]
pub(super) struct Says {
    pub(super) status: Option<u8>,
    pub(super) block_size: u32,
    pub(super) bitmap: Option<Bits>,
    pub(super) first_missing: Option<u32>,
    pub(super) ready: Option<Vec<ImageInfo>>,
}

/// Where a flash goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// From the beginning: why.
    Initiate(&'static str),
    /// With blocks.
    Blocks,
    /// The meter verifies: wait for it.
    Verify,
    /// The image is sound: compare it.
    Compare,
    /// The meter activates, or did.
    Restart,
}

/// Whether the meter names an image as one that it would activate.
pub(super) fn names(ready: &[ImageInfo], identifier: &[u8]) -> bool {
    ready.iter().any(|one| one.identification == identifier)
}

/// Identifications of images other than this one.
pub(super) fn others(ready: Option<&Vec<ImageInfo>>, identifier: &[u8]) -> Vec<String> {
    let all = ready.into_iter().flatten().filter(|one| one.identification != identifier);
    all.map(|one| Hex(one.identification.clone()).to_string()).collect()
}

/// Whether the meter says by its first missing block alone, where its bitmap shows nothing yet, that it has what it
/// took.
pub(super) fn has_reached(transfer: &Initiated, says: &Says) -> bool {
    let is_blank = |bits: &Bits| !(0..transfer.blocks).any(|one| bits.has(one));
    let is_there = |first: u32| (transfer.taken..=transfer.horizon).contains(&first);
    transfer.taken > 0
        && says.first_missing.is_some_and(is_there)
        && says.bitmap.as_ref().is_some_and(is_blank)
}

/// Decides where to go on. A transfer that may be another image's is never added to.
pub(super) fn next(state: &FlashState, says: &Says, identifier: &[u8]) -> Next {
    let Some(transfer) = &state.initiated else {
        return Next::Initiate("no transfer of this package was initiated");
    };
    if state.activating.told
        && matches!(says.status, Some(status::ACTIVATING..=status::ACTIVATION_FAILED) | None)
    {
        return Next::Restart;
    }
    if transfer.block_size != says.block_size {
        return Next::Initiate("the meter wants blocks of another size now");
    }
    let now_others = others(says.ready.as_ref(), identifier);
    let is_named = says.ready.as_ref().is_some_and(|ready| names(ready, identifier));
    let is_anothers = !is_named && now_others.iter().any(|one| !transfer.others.contains(one));
    let holds = |number: u32| says.bitmap.as_ref().is_some_and(|bits| bits.has(number));
    if is_anothers {
        return Next::Initiate("the meter holds another image");
    }
    if (transfer.horizon..transfer.blocks).any(holds) {
        return Next::Initiate("the meter holds blocks that were not sent from here");
    }
    match says.status {
        Some(status::INITIATED) | None => {
            // A meter may lose a block here and there. One that has lost most of what it took had its transfer
            // initiated by somebody else, and anyhow little is lost with the rest.
            let held = |bits: &Bits| (0..transfer.blocks).filter(|one| bits.has(*one)).count();
            let has_lost = |bits: &Bits| held(bits) * 2 < usize::try_from(transfer.taken).unwrap_or(0);
            if says.bitmap.as_ref().is_some_and(has_lost) && !has_reached(transfer, says) {
                Next::Initiate("the meter has lost most of the blocks that it took")
            } else {
                Next::Blocks
            }
        }
        Some(status::VERIFYING | status::VERIFIED) if transfer.horizon < transfer.blocks => {
            Next::Initiate("the meter verifies an image that was not sent whole from here")
        }
        Some(status::VERIFYING) => Next::Verify,
        Some(status::VERIFIED) => Next::Compare,
        Some(status::NOT_INITIATED) => Next::Initiate("the meter knows of no transfer"),
        Some(status::VERIFY_FAILED) => Next::Initiate("the meter found the image not sound"),
        Some(status::ACTIVATING..=status::ACTIVATION_FAILED) => {
            Next::Initiate("the meter ended another transfer")
        }
        // A number that the standard does not name.
        Some(_) => Next::Blocks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &[u8] = b"ours";

    fn state() -> FlashState {
        let initiated =
            Initiated { block_size: 64, blocks: 10, horizon: 4, taken: 3, ..Initiated::default() };
        FlashState { initiated: Some(initiated), ..FlashState::default() }
    }

    fn sent_whole() -> FlashState {
        let mut state = state();
        let transfer = state.initiated.as_mut().unwrap();
        (transfer.horizon, transfer.taken) = (10, 10);
        state
    }

    fn says(status: u8, set: &[u32]) -> Says {
        Says {
            status: Some(status),
            block_size: 64,
            bitmap: Some(Bits::of(10, set)),
            first_missing: None,
            ready: None,
        }
    }

    fn info(identification: &[u8]) -> Vec<ImageInfo> {
        vec![ImageInfo { size: 600, identification: identification.to_vec(), signature: Vec::new() }]
    }

    fn initiates(next: &Next) -> bool {
        matches!(next, Next::Initiate(_))
    }

    #[test]
    fn a_transfer_that_broke_off_goes_on_without_initiating() {
        assert_eq!(next(&state(), &says(1, &[0, 1, 2]), OURS), Next::Blocks);
        assert_eq!(next(&state(), &says(1, &[0, 2]), OURS), Next::Blocks, "a lost block is swept");
        let silent = Says { block_size: 64, ..Says::default() };
        assert_eq!(next(&state(), &silent, OURS), Next::Blocks, "attributes that a meter may leave out");
        assert_eq!(next(&sent_whole(), &says(2, &[]), OURS), Next::Verify);
        assert_eq!(next(&sent_whole(), &says(3, &[]), OURS), Next::Compare);
    }

    #[test]
    fn a_transfer_that_is_gone_or_anothers_is_initiated_again() {
        assert!(initiates(&next(&FlashState::default(), &says(1, &[0, 1, 2]), OURS)));
        assert!(initiates(&next(&state(), &says(0, &[]), OURS)));
        assert!(initiates(&next(&state(), &says(1, &[]), OURS)), "all blocks are gone");
        assert!(initiates(&next(&state(), &says(1, &[0, 1, 2, 7]), OURS)), "block 7 is not from here");
        assert!(initiates(&next(&state(), &Says { block_size: 32, ..says(1, &[0]) }, OURS)));
        assert!(initiates(&next(&state(), &Says { ready: Some(info(b"theirs")), ..says(1, &[0]) }, OURS)));
        assert!(initiates(&next(&state(), &says(3, &[0, 1, 2]), OURS)), "it was not sent whole");
        assert!(initiates(&next(&sent_whole(), &says(4, &[]), OURS)));
        assert!(initiates(&next(&sent_whole(), &says(6, &[]), OURS)), "not told to activate");
    }

    #[test]
    fn a_bitmap_that_is_blank_until_the_last_block_does_not_begin_the_transfer_again() {
        let reached = Says { first_missing: Some(3), ..says(1, &[]) };
        assert_eq!(next(&state(), &reached, OURS), Next::Blocks);
        for first in [0, 2, 5] {
            let says = Says { first_missing: Some(first), ..says(1, &[]) };
            assert!(initiates(&next(&state(), &says, OURS)), "{first}");
        }
    }

    #[test]
    fn what_the_meter_named_already_when_the_transfer_began_is_no_sign_of_another() {
        let mut state = state();
        state.initiated.as_mut().unwrap().others = vec![Hex(b"old".to_vec()).to_string()];
        assert_eq!(next(&state, &Says { ready: Some(info(b"old")), ..says(1, &[0, 1]) }, OURS), Next::Blocks);
    }

    #[test]
    fn an_activation_that_was_told_is_waited_for() {
        let mut state = sent_whole();
        state.activating.told = true;
        for number in 5..=7 {
            assert_eq!(next(&state, &says(number, &[]), OURS), Next::Restart);
        }
        assert_eq!(next(&state, &says(3, &[]), OURS), Next::Compare, "the order did not arrive");
    }
}
