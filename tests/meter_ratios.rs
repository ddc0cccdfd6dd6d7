//! A meter's own transformer ratios: read, written as a transaction, over lines that are cut and by meters that take a
//! part or keep what they had.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod driver_support;

use std::collections::VecDeque;
use std::time::Duration;

use driver_support::{Counter, Line, Lost, Sink, access, instant, meter, run, sink};

use meterwright::drivers::RatioOrder;
use meterwright::drivers::dlms::ratios;
use meterwright::model::{Blame, Fault, Knowledge, Obis, PlateRatios, Ratio};
use meterwright::protocol::dlms::{AttributeRef, Data};
use meterwright::protocol::link::{Link, LinkError};
use meterwright::simulator::{SharedMeter, lock};

const AT: &str = "2026-11-22T10:12:00Z";

fn ratio(text: &str) -> Ratio {
    text.parse().unwrap()
}

fn write(ct: &str, vt: &str) -> RatioOrder {
    RatioOrder::Write { ct: ratio(ct), vt: ratio(vt) }
}

fn over<L: Link>(line: &mut L, order: RatioOrder) -> (Result<(), Fault>, Sink) {
    let mut sink = Sink { must_keep: false, ..sink(instant(AT)) };
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let done = run(ratios(line, &access(), &mut counter, &mut knowledge, &order, &mut sink));
    (done, sink)
}

fn with(meter: &SharedMeter, order: RatioOrder) -> (Result<(), Fault>, Sink) {
    over(&mut Line::new(meter, instant(AT), None), order)
}

/// CT numerator and denominator, VT numerator and denominator.
fn held(meter: &SharedMeter) -> [i128; 4] {
    ["1-0:0.4.2", "1-0:0.4.5", "1-0:0.4.3", "1-0:0.4.6"].map(|name| {
        let obis: Obis = name.parse().unwrap();
        let at = instant(AT).as_millisecond() + 60_000;
        lock(meter).look(&AttributeRef::new(1, obis, 2), at).ok().as_ref().and_then(Data::integer).unwrap()
    })
}

#[test]
fn ratios_are_written_read_back_and_told() {
    let meter = meter();
    let (done, sink) = with(&meter, RatioOrder::Read);
    done.unwrap();
    assert_eq!(sink.ratios, [PlateRatios { ct: Some(Ratio::ONE), vt: Some(Ratio::ONE) }]);
    let (done, sink) = with(&meter, write("400/5", "11000/110"));
    done.unwrap();
    assert_eq!(held(&meter), [400, 5, 11000, 110]);
    assert_eq!(sink.outcome.as_deref(), Some("CT 400/5, VT 11000/110 written and read back"));
    assert!(sink.wrote[0].contains("about to write") && sink.wrote[0].contains("instead of CT 1/1, VT 1/1"));
    assert_eq!(sink.wrote.len(), 2);
    let (done, sink) = with(&meter, write("400/5", "11000/110"));
    done.unwrap();
    assert!(sink.wrote.is_empty() && sink.outcome.unwrap().contains("already"));
}

#[test]
fn roots_that_cancel_are_written_without_them_and_others_are_refused_untouched() {
    let meter = meter();
    with(&meter, write("1/1", "110000/√3:100/√3")).0.unwrap();
    assert_eq!(held(&meter), [1, 1, 110_000, 100]);
    // 0.5/0.1 is no pair of whole numbers: the same in smaller figures is.
    let (done, sink) = with(&meter, write("0.5/0.1", "20000/√3:100/√3"));
    done.unwrap();
    assert_eq!(held(&meter), [5, 1, 20_000, 100]);
    assert!(
        sink.remarks.iter().any(|remark| remark.contains("CT 0.5/0.1 is written as 5/1")),
        "{:?}",
        sink.remarks
    );
    let (done, sink) = with(&meter, write("400/5", "110000/√3:100"));
    assert!(done.unwrap_err().message.contains("does not cancel"));
    assert!(sink.wrote.is_empty());
    assert_eq!(held(&meter), [5, 1, 20_000, 100]);
}

#[test]
fn a_line_that_is_cut_at_any_exchange_leaves_what_the_same_call_finishes() {
    let exchanges = {
        let meter = meter();
        let mut line = Line::new(&meter, instant(AT), None);
        over(&mut line, write("400/5", "11000/110")).0.unwrap();
        line.exchanges
    };
    assert!(exchanges > 4, "{exchanges}");
    let mut told = 0;
    for cut in 0..exchanges {
        for lost in [Lost::Request, Lost::Answer] {
            let meter = meter();
            let (done, sink) =
                over(&mut Line::new(&meter, instant(AT), Some((cut, lost))), write("400/5", "11000/110"));
            let stands = held(&meter);
            let (old, new) = ([1, 1, 1, 1], [400, 5, 11000, 110]);
            assert!(stands.iter().zip(old.iter().zip(&new)).all(|(is, (old, new))| is == old || is == new));
            if stands != old {
                assert!(!sink.wrote.is_empty(), "a write is in the audit chain before it is sent");
            }
            match done {
                // The goodbye alone was lost.
                Ok(()) => assert_eq!(stands, new),
                Err(fault) => {
                    assert_eq!(fault.blame, Blame::Line, "{fault}");
                    let is_unsure = fault.message.contains("may be written, not written, or in part");
                    assert_eq!(is_unsure, !sink.wrote.is_empty(), "{cut} {lost:?}: {fault}");
                    told += usize::from(is_unsure);
                }
            }
            with(&meter, write("400/5", "11000/110")).0.unwrap();
            assert_eq!(held(&meter), new);
        }
    }
    assert!(told >= 3, "{told}");
}

/// What a meter says to a write that never reaches it, result by result; those that are missing are successes.
struct Stubborn {
    line: Line,
    answers: VecDeque<Vec<u8>>,
    waiting: VecDeque<Vec<u8>>,
}

impl Link for Stubborn {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        self.line.connect(client).await
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        // SET-Request, normal or with a list (Green Book 9.3.8): C1, kind, invoke id, then the list's length.
        let &[0xC1, kind, invoke, count, ..] = apdu else { return self.line.send(apdu).await };
        let results = self.answers.pop_front().unwrap_or_default();
        let result = |at: u8| results.get(usize::from(at)).copied().unwrap_or(0);
        let answer = match kind {
            1 => vec![0xC5, 1, invoke, result(0)],
            4 => [0xC5, 5, invoke, count].into_iter().chain((0..count).map(result)).collect(),
            other => panic!("SET-Request of kind {other}"),
        };
        self.waiting.push_back(answer);
        Ok(())
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        match self.waiting.pop_front() {
            Some(answer) => Ok(answer),
            None => self.line.receive(wait).await,
        }
    }

    async fn disconnect(&mut self) {
        self.line.disconnect().await;
    }
}

fn stubborn(answers: &[&[u8]]) -> (Result<(), Fault>, Sink) {
    let line = Line::new(&meter(), instant(AT), None);
    let answers = answers.iter().map(|one| one.to_vec()).collect();
    over(&mut Stubborn { line, answers, waiting: VecDeque::new() }, write("400/5", "11000/110"))
}

#[test]
fn a_meter_that_reads_back_other_values_has_failed() {
    let (done, sink) = stubborn(&[]);
    let fault = done.unwrap_err();
    assert_eq!(fault.blame, Blame::Meter);
    assert!(
        fault.message.contains("CT 400/5, VT 11000/110 was written, but CT 1/1, VT 1/1 reads back"),
        "{fault}"
    );
    assert!(sink.wrote.last().unwrap().contains("read back as CT 1/1"));
    assert_eq!(sink.ratios.len(), 2, "what it holds is kept");
}

#[test]
fn what_a_meter_took_before_it_refused_a_part_is_put_back() {
    let (done, sink) = stubborn(&[&[0, 3]]);
    let fault = done.unwrap_err();
    assert!(
        !fault.passing && fault.message.contains("the old ones, CT 1/1, VT 1/1, were put back"),
        "{fault}"
    );
    assert!(sink.wrote.last().unwrap().contains("put back"));
    let (done, _) = stubborn(&[&[3, 3, 3, 3]]);
    assert!(done.unwrap_err().advice.contains("nothing was written"));
    let (done, _) = stubborn(&[&[0, 3], &[3, 3, 3]]);
    assert!(done.unwrap_err().message.contains("does not let be put back"));
}
