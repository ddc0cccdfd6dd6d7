//! The maker's own signature within an image, where the meter's template describes it.

use meterwright::drivers::MeterAccess;
use meterwright::firmware::{FlashPlan, MakerKey};
use meterwright::model::{FlashOutcome, FlashPhase, ImageEnd, ImageSignature, SignatureForm, SignedPart};
use meterwright::simulator::faults::ImageFaults;
use meterwright::simulator::lock;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use crate::bench::{Attempt, Bench, Memory, NOW, VERSION, access, attempt_as, draft, image, instant, meter};
use crate::initiations;

/// The maker's secret: RFC 6979, A.2.5.
const SECRET: [u8; 32] = [
    0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57, 0x67, 0xB1, 0xD6, 0x93, 0x4E,
    0x50, 0xC3, 0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B, 0x12, 0x0F, 0x67, 0x21,
];

fn maker(secret: [u8; 32]) -> SigningKey {
    SigningKey::from_bytes(&secret.into()).unwrap()
}

fn public(secret: [u8; 32]) -> MakerKey {
    let point = maker(secret).verifying_key().to_sec1_point(false);
    MakerKey { public: point.as_bytes().try_into().unwrap(), name: "Acme".to_owned() }
}

/// An image with the maker's signature over all of it behind it.
fn signed(secret: [u8; 32]) -> Vec<u8> {
    let mut image = image(VERSION, 1500);
    let signature: Signature = maker(secret).sign(&image);
    image.extend(signature.to_bytes());
    image
}

/// The access of a template that describes the signature.
fn described() -> MeterAccess {
    let mut access = access();
    access.template.firmware.image_signature = Some(ImageSignature {
        from: ImageEnd::End,
        offset: 64,
        length: 64,
        form: SignatureForm::Raw,
        signed: SignedPart::Before,
        skip: 0,
        key: None,
    });
    access
}

fn tried(bench: &Bench, plan: &FlashPlan, makers: Vec<MakerKey>) -> (Attempt, Memory, u32) {
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(bench));
    journal.makers.replace(makers);
    let done = attempt_as(&described(), &meter, plan, &journal, None, instant(NOW));
    let initiated = initiations(&meter);
    (done, journal, initiated)
}

#[test]
fn an_image_that_its_maker_signed_is_flashed() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    journal.makers.replace(vec![public(SECRET)]);
    let plan = bench.plan(draft(), &signed(SECRET));
    attempt_as(&described(), &meter, &plan, &journal, None, instant(NOW)).result.unwrap();
    assert!(lock(&meter).record().firmware().active() == signed(SECRET));
}

#[test]
fn an_image_that_its_maker_did_not_sign_is_refused_before_anything_is_sent() {
    let bench = Bench::new();
    let mut altered = signed(SECRET);
    altered[700] ^= 1;
    let mut other = SECRET;
    other[31] ^= 1;
    for (image, makers, word) in [
        (altered, vec![public(SECRET)], "no trusted maker's key made it"),
        (signed(other), vec![public(SECRET)], "no trusted maker's key made it"),
        (signed(SECRET), Vec::new(), "no maker's key is trusted here"),
        (image(VERSION, 40), vec![public(SECRET)], "no room"),
    ] {
        let (done, journal, initiated) = tried(&bench, &bench.plan(draft(), &image), makers);
        let fault = done.result.unwrap_err();
        assert!(fault.message.contains(word), "{fault}");
        assert_eq!((journal.state().outcome, initiated), (FlashOutcome::Refused, 0), "{word}");
        assert_eq!(done.sink.phases, [FlashPhase::Package], "the meter was not even asked who it is");
    }
}

#[test]
fn an_image_whose_signature_no_template_describes_is_flashed_without_one() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let plan = bench.plan(draft(), &image(VERSION, 1500));
    attempt_as(&access(), &meter, &plan, &journal, None, instant(NOW)).result.unwrap();
}
