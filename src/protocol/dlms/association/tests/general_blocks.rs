use crate::protocol::dlms::Data;

use super::*;

const GET_CLOCK: &str = "C0 01 C1 00 08 00 00 01 00 00 FF 02 00";

fn negotiated() -> ScriptedLink {
    opened("20 5E 9F", "FF FF").expect(GET_CLOCK)
}

async fn get(script: ScriptedLink) -> (Result<Data, DlmsError>, Vec<String>) {
    let mut link = script;
    let mut row = Row::from(0);
    let mut config = open_config();
    config.requests.block_window = 3;
    let mut association = associate(&mut link, &config, &mut row).await;
    let value = association.get(&clock()).await;
    let remarks = association.take_remarks();
    link.finish();
    (value, remarks)
}

fn wanted() -> Data {
    Data::Octets(vec![1, 2, 3, 4])
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_in_streamed_blocks_is_put_together_and_each_window_acknowledged() {
    // facts/dlms-quirks.md, line 55: unasked.
    let (value, remarks) = get(negotiated()
        .respond("E0 43 0001 0000 04 C4 01 C1 00")
        .respond("E0 03 0002 0000 02 09 04")
        .expect("E0 83 0001 0002 00")
        .respond("E0 43 0003 0001 02 01 02")
        .respond("E0 83 0004 0001 02 03 04"))
    .await;
    assert_eq!((value.unwrap(), remarks), (wanted(), Vec::new()));
}

#[tokio::test(flavor = "current_thread")]
async fn a_block_that_was_lost_is_asked_for_again() {
    let (value, _) = get(negotiated()
        .respond("E0 43 0001 0000 04 C4 01 C1 00")
        .respond("E0 43 0003 0000 02 01 02")
        .respond("E0 83 0004 0000 02 03 04")
        .expect("E0 83 0001 0001 00")
        .respond("E0 43 0002 0001 02 09 04")
        .respond("E0 43 0003 0001 02 01 02")
        .respond("E0 83 0004 0001 02 03 04"))
    .await;
    assert_eq!(value.unwrap(), wanted());
}

#[tokio::test(flavor = "current_thread")]
async fn when_the_end_of_a_window_is_lost_silence_leads_to_asking_again() {
    let (value, _) = get(negotiated()
        .respond("E0 43 0001 0000 04 C4 01 C1 00")
        .silence()
        .expect("E0 83 0001 0001 00")
        .respond("E0 43 0002 0001 02 09 04")
        .respond("E0 83 0003 0001 04 01 02 03 04"))
    .await;
    assert_eq!(value.unwrap(), wanted());
}

#[tokio::test(flavor = "current_thread")]
async fn silence_without_end_is_a_failure_of_the_line() {
    let (value, _) = get(negotiated()
        .respond("E0 43 0001 0000 04 C4 01 C1 00")
        .silence()
        .expect("E0 83 0001 0001 00")
        .silence()
        .expect("E0 83 0002 0001 00")
        .silence())
    .await;
    assert!(matches!(value, Err(DlmsError::Link(_))));
}

#[tokio::test(flavor = "current_thread")]
async fn a_meter_that_sends_one_block_for_ever_is_given_up() {
    let mut link = negotiated();
    for _ in 0..200 {
        link = link.respond("E0 43 0002 0000 01 00");
    }
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert!(matches!(association.get(&clock()).await, Err(DlmsError::Protocol { .. })));
}

#[tokio::test(flavor = "current_thread")]
async fn an_exception_in_the_middle_ends_the_transfer() {
    let (value, _) = get(negotiated().respond("E0 43 0001 0000 04 C4 01 C1 00").respond("D8 01 03")).await;
    assert!(matches!(value, Err(DlmsError::Exception(_))));
}

#[tokio::test(flavor = "current_thread")]
async fn a_push_in_blocks_between_request_and_answer_is_put_aside() {
    let mut link = negotiated()
        .respond("E0 03 0001 0000 06 0F 00 00 00 01 00")
        .expect("E0 8A 0001 0001 00")
        .respond("E0 83 0002 0000 02 11 07")
        .respond("C4 01 C1 00 11 05");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert_eq!(association.get(&clock()).await.unwrap(), Data::U8(5));
    assert_eq!(association.take_notifications().len(), 1);
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_request_too_long_for_the_meter_goes_in_blocks_in_the_window_it_grants_and_lost_ones_again() {
    // No block transfer of SET: general blocks carry it. 64 bytes hold pieces of 55.
    let value = Data::Octets(vec![0xAA; 200]);
    let whole = [hex("C1 01 C1 00 08 00 00 01 00 00 FF 02 00"), value.to_bytes()].concat();
    let piece = |number: usize, control: &str| {
        let raw = &whole[(number - 1) * 55..(number * 55).min(whole.len())];
        let digits: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("E0 {control} {number:04X} 0000 {:02X} {digits}", raw.len())
    };
    let mut link = opened("20 56 9F", "00 40")
        .expect(&piece(1, "0A"))
        .respond("E0 82 0001 0001 00")
        .expect(&piece(2, "4A"))
        .expect(&piece(3, "0A"))
        .respond("E0 82 0002 0002 00")
        .expect(&piece(3, "4A"))
        .expect(&piece(4, "8A"))
        .respond("E0 82 0003 0004 04 C5 01 C1 00");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    association.set(&clock(), &value).await.unwrap();
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_meter_that_takes_blocks_and_gives_them_back_in_turn_is_given_up() {
    let answers = ["E0 81 0001 0001 00", "E0 81 0002 0002 00"];
    let mut link = opened("20 56 9F", "00 40");
    for turn in 0..40 {
        link = link.answer(move |_| vec![hex(answers[turn % 2])]);
    }
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let error = association.set(&clock(), &Data::Octets(vec![0xAA; 400])).await.unwrap_err();
    assert!(error.to_string().contains("takes no further block"), "{error}");
}
