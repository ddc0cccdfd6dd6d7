use crate::model::template::CipheringForm;
use crate::model::{Obis, Step};
use crate::protocol::dlms::Data;

use super::meter::{Meter, Stale};
use super::*;

/// Opens, reads the register, releases.
async fn read(meter: Meter, config: &AssociationConfig, row: &mut Row) -> (Result<Data, DlmsError>, Meter) {
    let (mut link, behind) = meter.link();
    let value = match Association::open(&mut link, config, row, &mut |_| {}).await {
        Ok(mut association) => {
            let value = association.get(&register(0)).await;
            association.release().await;
            value
        }
        Err(error) => Err(error),
    };
    assert_eq!(link.client(), None, "the link is closed whatever happened");
    drop(link);
    (value, std::rc::Rc::into_inner(behind).unwrap().into_inner())
}

const HIGH: [Auth; 4] = [Auth::HighMd5, Auth::HighSha1, Auth::HighSha256, Auth::HighGmac];

#[tokio::test(flavor = "current_thread")]
async fn every_mechanism_opens_under_every_protection_in_either_form_with_and_without_a_dedicated_key() {
    for auth in [&[Auth::None, Auth::Low][..], &HIGH].concat() {
        for security in [Security::None, Security::Authenticated, Security::Encrypted, Security::Both] {
            for form in [CipheringForm::ServiceSpecific, CipheringForm::General] {
                for dedicated_key in [false, true] {
                    let mut config = config(auth, security);
                    config.tuning.ciphering = form;
                    config.tuning.dedicated_key = dedicated_key;
                    let mut meter = Meter::new(auth, security);
                    meter.form = form;
                    let (value, meter) = read(meter, &config, &mut Row::from(100)).await;
                    assert_eq!(value, Ok(Data::U32(42)), "{auth} {security} {form:?} {dedicated_key}");
                    assert!(security == Security::None || meter.seen[0] == 100);
                }
            }
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_meter_may_answer_in_the_other_form_and_without_its_title() {
    // facts/dlms-quirks.md, lines 44 and 45.
    for (ours, theirs) in [
        (CipheringForm::ServiceSpecific, CipheringForm::General),
        (CipheringForm::General, CipheringForm::ServiceSpecific),
    ] {
        let mut config = config(Auth::HighGmac, Security::Both);
        config.tuning.ciphering = ours;
        config.tuning.omit_title_in_general = true;
        let mut meter = Meter::new(Auth::HighGmac, Security::Both);
        meter.form = theirs;
        meter.omit_title = true;
        assert_eq!(read(meter, &config, &mut Row::from(1)).await.0, Ok(Data::U32(42)));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn each_apdu_and_the_gmac_take_a_counter_of_their_own_unless_the_template_says_otherwise() {
    // facts/dlms-quirks.md, line 42.
    let mut config = config(Auth::HighGmac, Security::Both);
    let mut row = Row::from(7);
    let (_, meter) = read(Meter::new(Auth::HighGmac, Security::Both), &config, &mut row).await;
    assert_eq!((meter.seen, meter.gmac_seen), (vec![7, 9, 10], vec![8]));
    assert_eq!(row.next, 12, "the goodbye took one");
    config.tuning.gmac_takes_counter = false;
    let (_, meter) = read(Meter::new(Auth::HighGmac, Security::Both), &config, &mut Row::from(7)).await;
    assert_eq!((meter.seen, meter.gmac_seen), (vec![7, 8, 9], vec![8]));
}

#[tokio::test(flavor = "current_thread")]
async fn under_a_dedicated_key_apdus_count_from_nought() {
    // facts/dlms-quirks.md, line 43.
    let mut config = config(Auth::None, Security::Both);
    config.tuning.dedicated_key = true;
    let (_, meter) = read(Meter::new(Auth::None, Security::Both), &config, &mut Row::from(500)).await;
    assert_eq!((meter.seen, meter.tags), (vec![500, 0], vec![0x60, 0xD0, 0x62]));
}

#[tokio::test(flavor = "current_thread")]
async fn a_meter_with_one_row_of_counters_for_both_keys_is_followed_once_it_says_so() {
    // As the server of the crate dlms-cosem-rs 0.1.0 does.
    let mut config = config(Auth::HighGmac, Security::Both);
    config.tuning.dedicated_key = true;
    let mut meter = Meter::new(Auth::HighGmac, Security::Both);
    meter.one_row = true;
    let (value, meter) = read(meter, &config, &mut Row::from(500)).await;
    assert_eq!((value, meter.seen), (Ok(Data::U32(42)), vec![500, 501, 502]));
}

#[tokio::test(flavor = "current_thread")]
async fn a_goodbye_in_a_ciphered_association_carries_protected_information() {
    // facts/dlms-quirks.md, line 31.
    let (mut link, _) = Meter::new(Auth::None, Security::Both).link();
    let mut row = Row::from(3);
    associate(&mut link, &config(Auth::None, Security::Both), &mut row).await.release().await;
    let goodbye = link.sent.last().unwrap();
    assert_eq!(goodbye[0], 0x62);
    assert_eq!(goodbye[2..5], hex("80 01 00"));
    assert_eq!(goodbye[9], 0x21, "glo-initiate-request: {goodbye:02X?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_stale_counter_is_raised_to_what_the_exception_says_and_the_association_opens() {
    // facts/dlms-quirks.md, line 40.
    let mut meter = Meter::new(Auth::HighGmac, Security::Both);
    meter.expects = 1000;
    let mut row = Row::from(5);
    let (value, meter) = read(meter, &config(Auth::HighGmac, Security::Both), &mut row).await;
    assert_eq!(value, Ok(Data::U32(42)));
    assert_eq!((row.raised, meter.seen[0]), (vec![1001], 1001));
}

#[tokio::test(flavor = "current_thread")]
async fn a_stale_counter_is_read_through_the_public_client_where_the_meter_does_not_say_it() {
    // facts/dlms-quirks.md, lines 12 and 40: the first counter object is not there, the second is.
    for stale in [Stale::Deciphering, Stale::Silent] {
        let mut meter = Meter::new(Auth::HighGmac, Security::Both);
        (meter.expects, meter.stale) = (1000, stale);
        let (mut link, _) = meter.link();
        let mut row = Row::from(5);
        let mut steps = Vec::new();
        let config = config(Auth::HighGmac, Security::Both);
        let mut association =
            Association::open(&mut link, &config, &mut row, &mut |step| steps.push(step)).await.unwrap();
        assert_eq!(association.get(&register(0)).await, Ok(Data::U32(42)));
        drop(association);
        assert_eq!(row.raised, [1001]);
        let wanted = [Step::Linking, Step::Associating, Step::SynchronisingCounter];
        assert_eq!(steps[..3], wanted);
        assert_eq!(steps[3..], [Step::Linking, Step::Associating]);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_counter_is_synchronised_once_and_no_more() {
    let mut link = ScriptedLink::meter(|_| vec![hex("D8 01 06 7F 00 00 00")]);
    let mut row = Row::from(5);
    let error = failure(&mut link, &config(Auth::None, Security::Both), &mut row).await;
    assert!(matches!(error, DlmsError::Exception(_)), "{error:?}");
    assert_eq!((link.sent.len(), row.raised), (2, vec![0x7F00_0001]));
}

#[tokio::test(flavor = "current_thread")]
async fn a_counter_is_never_lowered_and_a_meter_that_wants_it_lower_is_a_security_event() {
    // facts/dlms-quirks.md, line 41.
    let mut link = ScriptedLink::meter(|_| vec![hex("D8 01 06 00 00 00 03")]);
    let mut row = Row::from(500);
    let error = failure(&mut link, &config(Auth::None, Security::Both), &mut row).await;
    assert!(error.to_string().starts_with("security event"), "{error}");
    assert_eq!((row.raised, row.next), (Vec::new(), 501));
}

#[tokio::test(flavor = "current_thread")]
async fn a_counter_that_was_right_leaves_the_first_failure_as_it_was() {
    let mut meter = Meter::new(Auth::HighGmac, Security::Both);
    (meter.expects, meter.stale) = (3, Stale::Deciphering);
    let mut wrong = config(Auth::HighGmac, Security::Both);
    wrong.tuning.counter_objects = Vec::new();
    let mut row = Row::from(1);
    let (value, _) = read(meter, &wrong, &mut row).await;
    assert!(matches!(&value, Err(DlmsError::Undeciphered(words)) if words.contains("deciphering error")));
    assert_eq!(row.raised, Vec::<u32>::new());
}

#[tokio::test(flavor = "current_thread")]
async fn our_own_challenge_sent_back_ends_the_association() {
    // facts/dlms-quirks.md, line 37.
    for auth in HIGH {
        let mut meter = Meter::new(auth, Security::None);
        meter.reflects = true;
        let (value, _) = read(meter, &config(auth, Security::None), &mut Row::from(1)).await;
        assert!(
            matches!(&value, Err(DlmsError::Security(words)) if words.contains("challenge back")),
            "{auth}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_meter_without_a_proof_of_its_own_is_taken_only_where_the_template_says_so() {
    // facts/dlms-quirks.md, line 38.
    let meter = || Meter { gives_proof: false, ..Meter::new(Auth::HighMd5, Security::None) };
    let mut config = config(Auth::HighMd5, Security::None);
    let (value, _) = read(meter(), &config, &mut Row::from(1)).await;
    assert!(matches!(&value, Err(DlmsError::Security(words)) if words.contains("accept_missing_proof")));
    config.tuning.accept_missing_proof = true;
    assert_eq!(read(meter(), &config, &mut Row::from(1)).await.0, Ok(Data::U32(42)));
}

#[tokio::test(flavor = "current_thread")]
async fn the_proof_goes_to_the_association_object_that_the_template_names() {
    // facts/dlms-quirks.md, line 34.
    let mut config = config(Auth::HighMd5, Security::None);
    config.tuning.object = Obis::new(0, 0, 40, 0, 3, 255);
    let (mut link, _) = Meter::new(Auth::HighMd5, Security::None).link();
    associate(&mut link, &config, &mut Row::from(0)).await;
    assert_eq!(link.sent[1][3..12], hex("000F 00 00 28 00 03 FF 01"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_wrong_secret_is_told_as_a_refusal_with_what_to_check() {
    let mut config = config(Auth::HighSha256, Security::None);
    config.secrets.password = Some(Secret::new(b"MARKED".to_vec()));
    let (value, _) = read(Meter::new(Auth::HighSha256, Security::None), &config, &mut Row::from(1)).await;
    let error = value.unwrap_err();
    assert!(matches!(&error, DlmsError::Refused { advice, .. } if advice.contains("password")), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("MARKED"));
}

#[tokio::test(flavor = "current_thread")]
async fn the_challenge_is_as_long_as_the_template_says_and_never_the_same() {
    // facts/dlms-quirks.md, line 36.
    let mut challenges = Vec::new();
    for bytes in [8u8, 16, 16, 64] {
        let mut config = config(Auth::HighMd5, Security::None);
        config.tuning.challenge_bytes = bytes;
        let (mut link, _) = Meter::new(Auth::HighMd5, Security::None).link();
        associate(&mut link, &config, &mut Row::from(0)).await;
        let (aarq, _) = crate::protocol::dlms::Apdu::decode(&link.sent[0]).unwrap();
        let crate::protocol::dlms::Apdu::Aarq(aarq) = aarq else { panic!("{aarq:?}") };
        let challenge = aarq.authentication.unwrap().expose().to_vec();
        assert_eq!(challenge.len(), usize::from(bytes));
        assert!(!challenges.contains(&challenge));
        challenges.push(challenge);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_in_the_clear_is_not_believed_in_a_ciphered_association_nor_the_other_way_round() {
    let meter = Meter { in_the_clear: true, ..Meter::new(Auth::None, Security::Both) };
    let (value, _) = read(meter, &config(Auth::None, Security::Both), &mut Row::from(1)).await;
    assert!(matches!(&value, Err(DlmsError::Security(words)) if words.contains("in the clear")));

    let mut link = usual().answer(|_| vec![hex("CC 08 30 00000001 000000")]);
    let mut row = Row::from(1);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let error = association.get(&clock()).await.unwrap_err();
    assert!(matches!(&error, DlmsError::Security(words) if words.contains("security setting")));
}

#[tokio::test(flavor = "current_thread")]
async fn an_old_answer_played_back_is_a_security_event() {
    // facts/dlms-quirks.md, lines 41 and 47: the first may be nought.
    let mut meter = Meter::new(Auth::None, Security::Both);
    let (mut link, behind) = {
        meter.counter = 0;
        meter.link()
    };
    let mut row = Row::from(1);
    let mut association = associate(&mut link, &config(Auth::None, Security::Both), &mut row).await;
    association.get(&register(0)).await.unwrap();
    behind.borrow_mut().counter = 1;
    let error = association.get(&register(0)).await.unwrap_err();
    assert!(error.to_string().starts_with("security event"), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_used_up_counter_is_said_before_anything_is_sent() {
    let mut link = ScriptedLink::new().connect(1).disconnect();
    let error = failure(&mut link, &config(Auth::None, Security::Both), &mut Row::from(u32::MAX)).await;
    assert!(matches!(error, DlmsError::Counter(_)));
    assert!(link.sent.is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_pre_established_ciphered_association_needs_the_meters_title_and_uses_it() {
    // facts/dlms-quirks.md, line 35.
    let mut config = config(Auth::None, Security::Both);
    config.tuning.pre_established = true;
    let error = failure(&mut ScriptedLink::new().connect(1).disconnect(), &config, &mut Row::from(1)).await;
    assert!(error.to_string().contains("system title"), "{error}");
}
