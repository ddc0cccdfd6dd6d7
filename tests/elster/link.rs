//! The line itself in virtual time: answers that are lost, late, doubled or spoilt. What is read then is right, or it is
//! not read.

use std::time::Duration;

use jiff::Timestamp;
use meterwright::comms::link::{Cancel, Trace, flag_link_over};
use meterwright::drivers::elster;
use meterwright::model::{Blame, Fault, Knowledge, RegisterReading};
use meterwright::simulator::flag::{FlagStation, Model, SharedFlag};
use meterwright::transport::{NoTap, Place};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::LocalSet;

use crate::bench::{Kept, NOW, access, meter};
use crate::everything;

/// What befalls one answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Lost,
    /// It comes after the next one was asked for.
    Late,
    Doubled,
    Spoilt,
    /// In two pieces, a second apart.
    Torn,
}

/// A meter at the other end, whose answer of this number has a fate; gives how many answers there were.
async fn serve(mut line: DuplexStream, meter: SharedFlag, fate: Option<(usize, Fate)>) -> usize {
    let mut station = FlagStation::new(meter, true);
    let true_ms = NOW.parse::<Timestamp>().unwrap().as_millisecond();
    let mut buffer = [0; 512];
    let mut answers = 0;
    let mut late: Option<Vec<u8>> = None;
    while let Ok(count) = line.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        let now = tokio::time::Instant::now().into_std();
        for mut answer in station.take(&buffer[..count], now, true_ms) {
            let fate = fate.filter(|(at, _)| *at == answers).map(|(_, fate)| fate);
            answers += 1;
            match fate {
                Some(Fate::Lost) => continue,
                Some(Fate::Late) => {
                    late = Some(answer);
                    continue;
                }
                Some(Fate::Doubled) => answer = answer.repeat(2),
                Some(Fate::Spoilt) => {
                    let middle = answer.len() / 2;
                    answer[middle] ^= 0x05;
                }
                Some(Fate::Torn) => {
                    let (first, rest) = answer.split_at(answer.len() / 2);
                    line.write_all(first).await.unwrap();
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    line.write_all(rest).await.unwrap();
                    continue;
                }
                None => {}
            }
            let _ = line.write_all(&answer).await;
            if let Some(late) = late.take() {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let _ = line.write_all(&late).await;
            }
        }
    }
    answers
}

async fn read(fate: Option<(usize, Fate)>) -> (Result<(), Fault>, Vec<RegisterReading>, usize) {
    let access = access("elster-a1140");
    let (near, far) = duplex(4096);
    let trace = Trace { sink: Box::new(NoTap), secrets: Vec::new() };
    let line = &access.config.line;
    let mut link = flag_link_over(Place::Memory(near), line, &access.template, trace, Cancel::default());
    let mut kept = Kept::new();
    let request = everything();
    let mut knowledge = Knowledge::default();
    let reading = async {
        let outcome = elster::read(&mut link, &access, &mut knowledge, &request, &mut kept).await;
        drop(link);
        outcome
    };
    let meter = meter(Model::A1140, &[]);
    let (outcome, answers) =
        LocalSet::new().run_until(async { tokio::join!(reading, serve(far, meter, fate)) }).await;
    (outcome, kept.registers, answers)
}

fn figures(registers: &[RegisterReading]) -> Vec<(String, Option<String>)> {
    registers.iter().map(|one| (one.obis.to_string(), one.value.text())).collect()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn whatever_befalls_one_answer_no_figure_is_wrong() {
    let (outcome, clean, answers) = Box::pin(read(None)).await;
    outcome.unwrap();
    let clean = figures(&clean);
    assert!(clean.len() > 10 && answers > 12, "{answers}");
    let mut came_through = 0;
    let fates = [Fate::Lost, Fate::Late, Fate::Doubled, Fate::Spoilt, Fate::Torn];
    for fate in fates {
        for at in 0..answers {
            let (outcome, registers, _) = Box::pin(read(Some((at, fate)))).await;
            let figures = figures(&registers);
            assert!(figures.iter().all(|one| clean.contains(one)), "{fate:?} {at}: {figures:?}");
            match outcome {
                Ok(()) => {
                    assert_eq!(figures, clean, "{fate:?} {at}");
                    came_through += 1;
                }
                // Only at the sign-on and at the password: there nothing may be guessed.
                Err(fault) => {
                    assert!(at < 6, "{fate:?} {at}: {fault}");
                    assert!(matches!(fault.blame, Blame::Line | Blame::Meter), "{fault}");
                }
            }
        }
    }
    let all = fates.len() * answers;
    assert!(came_through * 10 > all * 8, "{came_through} of {all}");
}
