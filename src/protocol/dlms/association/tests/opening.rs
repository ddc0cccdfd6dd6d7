use crate::model::{Auth, Security, Step};
use crate::protocol::dlms::Data;
use crate::protocol::link::LinkError;

use super::*;

const REFUSED: &str = "61 1F A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 01 A3 05 A1 03 02 01 0D";

#[tokio::test(flavor = "current_thread")]
async fn an_association_without_authentication_opens_reads_and_is_released() {
    let mut link = usual()
        .expect("C0 01 C1 00 08 00 00 01 00 00 FF 02 00")
        .respond("C4 01 C1 00 09 0C 07 EA 0B 16 07 0F 32 00 00 00 00 00")
        .expect("62 03 80 01 00")
        .respond("63 03 80 01 00")
        .disconnect();
    let mut row = Row::from(0);
    let mut steps = Vec::new();
    let config = open_config();
    let mut association =
        Association::open(&mut link, &config, &mut row, &mut |step| steps.push(step)).await.unwrap();
    assert!(association.negotiated().allows(Conformance::MULTIPLE_REFERENCES));
    assert!(!association.negotiated().allows(Conformance::GENERAL_BLOCK_TRANSFER));
    let value = association.get(&clock()).await.unwrap();
    assert!(value.date_time().unwrap().stamp().is_some());
    assert_eq!(association.take_remarks(), Vec::<String>::new());
    association.release().await;
    assert_eq!(steps, [Step::Linking, Step::Associating]);
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn low_level_sends_the_password_and_bears_an_answer_without_mechanism_name() {
    // facts/dlms-quirks.md, line 28.
    let mut link = ScriptedLink::new()
        .connect(1)
        .expect(
            "60 36 A1 09 06 07 60 85 74 05 08 01 01 8A 02 07 80 8B 07 60 85 74 05 08 02 01 \
             AC 0A 80 08 31 32 33 34 35 36 37 38 BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 20 5E 9F FF FF",
        )
        .respond(
            "61 29 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00 \
             BE 10 04 0E 08 00 06 5F 1F 04 00 00 50 1F 01 F4 00 07",
        );
    let mut row = Row::from(0);
    let association = associate(&mut link, &config(Auth::Low, Security::None), &mut row).await;
    assert_eq!(association.negotiated().server_max_pdu, 0x01F4);
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_refused_password_is_said_in_words_with_what_to_try() {
    // facts/dlms-quirks.md, line 25: no user-information.
    let mut link = ScriptedLink::new().connect(1).answer(|_| vec![hex(REFUSED)]).disconnect();
    let error = failure(&mut link, &config(Auth::Low, Security::None), &mut Row::from(0)).await;
    let DlmsError::Refused { reason, advice, passing } = &error else { panic!("{error:?}") };
    assert_eq!(reason, "it refused the password (diagnostic 13)");
    assert!(advice.starts_with("check the password") && !passing);
    assert!(!format!("{error:?}").contains("12345678"));
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_refusal_with_senseless_user_information_is_still_a_refusal_and_one_for_now_may_pass() {
    // facts/dlms-quirks.md, line 26.
    let aare = "61 23 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 02 A3 05 A1 03 02 01 01 BE 04 04 02 77 77";
    let mut link = ScriptedLink::new().connect(1).expect(AARQ).respond(aare).disconnect();
    let error = failure(&mut link, &open_config(), &mut Row::from(0)).await;
    assert!(matches!(error, DlmsError::Refused { passing: true, .. }), "{error:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn the_reason_inside_a_refusal_is_told() {
    let aare =
        "61 25 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 01 A3 05 A1 03 02 01 01 BE 06 04 04 0E 01 06 03";
    let mut link = ScriptedLink::new().connect(1).expect(AARQ).respond(aare).disconnect();
    let error = failure(&mut link, &open_config(), &mut Row::from(0)).await;
    assert!(error.to_string().contains("the largest PDU is too short"), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn an_exception_in_place_of_the_answer_is_asked_about_once_and_then_told() {
    // facts/dlms-quirks.md, line 29.
    let twice =
        ScriptedLink::new().connect(1).expect(AARQ).respond("D8 01 01").expect(AARQ).respond("D8 01 01");
    let mut link = twice.disconnect();
    let error = failure(&mut link, &open_config(), &mut Row::from(0)).await;
    let wanted = "the meter answered with an exception: the association request: service not allowed, operation \
                  not possible (D8 01 01)";
    assert_eq!(error.to_string(), wanted);
}

#[tokio::test(flavor = "current_thread")]
async fn a_missing_secret_is_noticed_before_anything_is_sent() {
    let mut low = config(Auth::Low, Security::None);
    low.secrets.password = None;
    let mut both = config(Auth::None, Security::Both);
    both.secrets.authentication_key = None;
    let ecdsa = config(Auth::HighEcdsa, Security::None);
    for (config, word) in [(low, "password"), (both, "authentication-key"), (ecdsa, "high-ecdsa")] {
        let mut link = ScriptedLink::new();
        let error = failure(&mut link, &config, &mut Row::from(0)).await;
        assert!(matches!(&error, DlmsError::Setting(text) if text.contains(word)), "{error:?}");
        assert!(link.sent.is_empty());
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_pre_established_association_says_neither_hello_nor_goodbye() {
    // facts/dlms-quirks.md, line 35.
    let mut config = open_config();
    config.tuning.pre_established = true;
    let mut link = ScriptedLink::new()
        .connect(1)
        .expect("C0 01 C1 00 03 01 00 01 08 00 FF 02 00")
        .respond("C4 01 C1 00 06 00 00 00 2A")
        .disconnect();
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &config, &mut row).await;
    assert_eq!(association.get(&register(0)).await.unwrap(), Data::U32(42));
    association.release().await;
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_goodbye_that_is_refused_garbled_or_not_answered_is_no_failure() {
    // facts/dlms-quirks.md, lines 30 and 31.
    for script in [
        usual().expect("62 03 80 01 00").respond("D8 01 02"),
        usual().expect("62 03 80 01 00").respond("63 11 80 01 00 BE 0F 04"),
        usual().expect("62 03 80 01 00").silence(),
        usual().expect("62 03 80 01 00").fail(LinkError::Closed),
    ] {
        let mut link = script.disconnect();
        let mut row = Row::from(0);
        associate(&mut link, &open_config(), &mut row).await.release().await;
        link.finish();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_template_may_leave_the_goodbye_out() {
    let mut config = open_config();
    config.tuning.release = crate::model::template::Release::Close;
    let mut link = usual().disconnect();
    let mut row = Row::from(0);
    associate(&mut link, &config, &mut row).await.release().await;
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_largest_pdu_of_nought_or_65535_is_no_limit() {
    // facts/dlms-quirks.md, line 33.
    for max in ["00 00", "FF FF"] {
        let mut link = opened("00 5E 9F", max);
        let mut row = Row::from(0);
        let association = associate(&mut link, &open_config(), &mut row).await;
        assert_eq!(association.negotiated().server_max_pdu, 0);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_template_takes_out_is_not_proposed() {
    let mut config = open_config();
    config.tuning.without = vec!["general-block-transfer".to_owned(), "multiple-references".to_owned()];
    config.tuning.max_pdu = 1200;
    let aarq = AARQ.replace("20 5E 9F FF FF", "00 5C 9F 04 B0");
    let mut link = ScriptedLink::new().connect(1).expect(&aarq).silence().disconnect();
    let error = failure(&mut link, &config, &mut Row::from(0)).await;
    assert!(matches!(error, DlmsError::Link(LinkError::Timeout { .. })));
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_without_user_information_that_accepts_is_taken_with_a_remark() {
    let aare = "61 17 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00";
    let mut link = ScriptedLink::new().connect(1).expect(AARQ).respond(aare);
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert_eq!(association.take_remarks().len(), 1);
}
