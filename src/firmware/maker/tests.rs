//! Makers' signatures by vectors that others published, and by altered images; keys in every form that makers give.

use super::*;
use crate::firmware::{Draft, SigningKeyFile, package};

/// RFC 6979, A.2.5: the key, and its signature over `sample` with SHA-256.
const RFC_X: &str = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6";
const RFC_Y: &str = "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
const RFC_R: &str = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716";
const RFC_S: &str = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";

/// NIST CAVP, FIPS 186-4 ECDSA, `SigGen.txt`, [P-256,SHA-256], first case.
const CAVP_MESSAGE: &str = "5905238877c77421f73e43ee3da6f2d9e2ccad5fc942dcec0cbd25482935faaf416983fe165b1a04\
    5ee2bcd2e6dca3bdf46c4310a7461f9a37960ca672d3feb5473e253605fb1ddfd28065b53cb5858a8ad28175bf9bd386a5e471ea7a65c17\
    cc934a9d791e91491eb3754d03799790fe2d308d16146d5c9b0d0debd97d79ce8";
const CAVP_X: &str = "1ccbe91c075fc7f4f033bfa248db8fccd3565de94bbfb12f3c59ff46c271bf83";
const CAVP_Y: &str = "ce4014c68811f9a21a1fdb2c0e6113e06db7ca93b7404e78dc7ccd5ca89a4ca9";
const CAVP_R: &str = "f3ac8061b514795b8843e3d6629527ed2afd6b1f6a555a7acabb5e6f79c8c2ac";
const CAVP_S: &str = "8bf77819ca05a6b2786c76262bf7371cef97b218e96f175a3ccdda2acc058903";

fn hex(text: &str) -> Vec<u8> {
    text.parse::<Hex>().unwrap().0
}

fn key(x: &str, y: &str, name: &str) -> MakerKey {
    MakerKey::of_point(&[hex(x), hex(y)].concat(), name).unwrap()
}

fn rfc() -> MakerKey {
    key(RFC_X, RFC_Y, "RFC")
}

fn raw(r: &str, s: &str) -> Vec<u8> {
    [hex(r), hex(s)].concat()
}

/// An ASN.1 sequence of two integers whose highest bit is set.
fn der(r: &str, s: &str) -> Vec<u8> {
    let integer = |digits: &str| [&[2, 33, 0], hex(digits).as_slice()].concat();
    [&[0x30, 70], integer(r).as_slice(), integer(s).as_slice()].concat()
}

fn packed(image: &[u8]) -> Package {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKeyFile::create(&folder.path().join("key"), "Release", None).unwrap();
    let draft = Draft { version: "1".to_owned(), image_identifier: Hex(vec![1]), ..Draft::default() };
    let (size, sha256) = package::digest(image).unwrap();
    let mut bytes = Vec::new();
    package::write(&mut bytes, &draft.finish(size, sha256).unwrap(), image, &key).unwrap();
    Package::from_bytes(bytes).unwrap()
}

fn described(text: &str) -> ImageSignature {
    let description: ImageSignature = serde_json::from_str(text).unwrap();
    assert_eq!(description.problem(), None);
    description
}

fn judged(image: &[u8], description: &str, keys: &[MakerKey]) -> Result<String, String> {
    let found = check_image(&packed(image), &described(description), keys);
    found.map(|key| key.name.clone()).map_err(|error| error.to_string())
}

#[test]
fn the_published_signatures_are_right_wherever_a_template_puts_them() {
    let cavp = key(CAVP_X, CAVP_Y, "CAVP");
    let keys = [rfc(), cavp];
    let trailer = [b"sample".as_slice(), &raw(RFC_R, RFC_S)].concat();
    assert_eq!(judged(&trailer, r#"{"offset": 64}"#, &keys), Ok("RFC".to_owned()));
    let header = [&[7; 16], raw(CAVP_R, CAVP_S).as_slice(), &hex(CAVP_MESSAGE)].concat();
    let text = r#"{"from": "start", "offset": 16, "signed": "after"}"#;
    assert_eq!(judged(&header, text, &keys), Ok("CAVP".to_owned()));
    // `sam`, the signature in a field of 80 bytes, `ple`; two bytes in front that are not signed.
    let mut field = der(RFC_R, RFC_S);
    field.resize(80, 0xFF);
    let around = [b"\x01\x02sam".as_slice(), &field, b"ple"].concat();
    let text =
        r#"{"from": "start", "offset": 5, "length": 80, "form": "der", "signed": "around", "skip": 2}"#;
    assert_eq!(judged(&around, text, &keys), Ok("RFC".to_owned()));
}

#[test]
fn every_altered_byte_is_refused() {
    let image = [b"sample".as_slice(), &raw(RFC_R, RFC_S)].concat();
    for place in 0..image.len() {
        let mut altered = image.clone();
        altered[place] ^= 1;
        let reason = judged(&altered, r#"{"offset": 64}"#, &[rfc()]).unwrap_err();
        assert!(reason.contains("the signature within its image"), "byte {place}: {reason}");
    }
    let mut longer = image.clone();
    longer.insert(0, 0);
    assert!(judged(&longer, r#"{"offset": 64}"#, &[rfc()]).is_err());
}

#[test]
fn a_der_signature_is_strict_and_nothing_hides_in_its_field() {
    let text = r#"{"offset": 80, "length": 80, "form": "der"}"#;
    let image = |field: &[u8]| [b"sample".as_slice(), field].concat();
    let mut field = der(RFC_R, RFC_S);
    field.resize(80, 0);
    assert!(judged(&image(&field), text, &[rfc()]).is_ok());
    for (place, byte) in [(79, 1), (72, 0xFF), (0, 0x31), (1, 0x46 + 1), (1, 0x81), (3, 32), (4, 0x80)] {
        let mut altered = field.clone();
        altered[place] = byte;
        let reason = judged(&image(&altered), text, &[rfc()]).unwrap_err();
        assert!(reason.contains("does not read") || reason.contains("no trusted"), "{place}: {reason}");
    }
}

#[test]
fn each_refusal_says_what_is_wrong() {
    let image = [b"sample".as_slice(), &raw(RFC_R, RFC_S)].concat();
    let trailer = r#"{"offset": 64}"#;
    let other = key(CAVP_X, CAVP_Y, "CAVP");
    assert!(judged(&image, trailer, &[]).unwrap_err().contains("no maker's key is trusted here"));
    assert!(
        judged(&image, trailer, std::slice::from_ref(&other)).unwrap_err().contains("no trusted maker's key")
    );
    assert!(judged(b"short", trailer, &[rfc()]).unwrap_err().contains("no room"));
    let noughts = [b"sample".as_slice(), &[0; 64]].concat();
    assert!(judged(&noughts, trailer, &[rfc()]).unwrap_err().contains("does not read"));
    let named = format!(r#"{{"offset": 64, "key": "{}"}}"#, other.id());
    assert!(judged(&image, &named, &[rfc()]).unwrap_err().contains(&other.id().to_string()));
    let named = format!(r#"{{"offset": 64, "key": "{}"}}"#, rfc().id().to_string().to_lowercase());
    assert_eq!(judged(&image, &named, &[other, rfc()]), Ok("RFC".to_owned()));
}

#[test]
fn a_makers_key_is_read_in_every_form_that_makers_give() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.pem");
    // SubjectPublicKeyInfo of id-ecPublicKey on prime256v1 (RFC 5480), then the point.
    let point = rfc().public;
    let spki = [hex("3059301306072A8648CE3D020106082A8648CE3D030107034200").as_slice(), &point].concat();
    let pem = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n\
        Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n\
        -----END PUBLIC KEY-----\n";
    let compressed = format!("03{RFC_X}\n");
    let digits = Hex(point.to_vec()).to_string();
    for form in [pem.as_bytes(), &spki, digits.as_bytes(), &digits.as_bytes()[2..], compressed.as_bytes()] {
        std::fs::write(&path, form).unwrap();
        let PublicKeyFile::Images(read) = PublicKeyFile::read(&path).unwrap() else { panic!("{form:?}") };
        assert_eq!((read.public, read.name.as_str()), (point, "acme"));
    }
}

#[test]
fn what_is_no_public_key_is_refused_and_a_secret_one_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let off_the_curve = format!("04{RFC_X}{RFC_X}");
    for (text, word) in [
        (off_the_curve.as_str(), "P-256"),
        ("00", "P-256"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "P-256"),
        ("-----BEGIN EC PRIVATE KEY-----\nU0VDUkVU\n-----END EC PRIVATE KEY-----", "private key"),
        ("nothing", "no public key"),
        ("", "no public key"),
    ] {
        std::fs::write(&path, text).unwrap();
        let reason = PublicKeyFile::read(&path).unwrap_err().to_string();
        assert!(reason.contains(word) && !reason.contains("U0VDUkVU"), "{text}: {reason}");
    }
    std::fs::write(&path, [0x30, 0xFF, 0xFE]).unwrap();
    assert!(PublicKeyFile::read(&path).is_err());
}

proptest::proptest! {
    #[test]
    fn hostile_signatures_are_refused_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..90)) {
        proptest::prop_assert!(read_signature(SignatureForm::Raw, &bytes).is_none() || bytes.len() == 64);
        let _ = read_signature(SignatureForm::Der, &bytes);
    }
}
