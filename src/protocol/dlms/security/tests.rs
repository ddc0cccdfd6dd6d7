use proptest::prelude::*;

use crate::model::template::CipheringForm;
use crate::model::{Auth, Security, SystemTitle};
use crate::protocol::dlms::Apdu;
use crate::protocol::dlms::apdu::{Ciphered, GeneralKey, Protected, SecurityControl, ServiceKey};
use crate::protocol::dlms::test_support::hex;

use super::*;

const CLIENT: SystemTitle = SystemTitle(*b"MMM\x00\x00\xBC\x61\x4E");
const SERVER: SystemTitle = SystemTitle(*b"MTW\x00\x00\x00\x00\x01");

/// The keys of the Green Book's examples for suite 0.
fn book_keys() -> SuiteKey {
    let (encryption, authentication) =
        (hex("000102030405060708090A0B0C0D0E0F"), hex("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"));
    SuiteKey::new(encryption.try_into().unwrap(), authentication.try_into().unwrap())
}

fn context(own: SystemTitle, peer: SystemTitle, security: Security) -> CipherContext {
    let mut context = CipherContext::new(security, own, book_keys());
    context.peer_title = Some(peer);
    context
}

const GLOBAL: Envelope =
    Envelope { key: ServiceKey::Global, form: CipheringForm::ServiceSpecific, omit_title: false };

fn envelope(bytes: &[u8]) -> Ciphered {
    match Apdu::decode(bytes).unwrap().0 {
        Apdu::Ciphered(ciphered) => ciphered,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_green_books_ciphered_initiate_request_is_made_and_read() {
    // Green Book, example of a ciphered xDLMS-Initiate.request, suite 0, IC 01234567h.
    let plain = hex("01 01 10 00112233445566778899AABBCCDDEEFF 00 00 06 5F1F0400007E1F 04B0");
    let ciphered = hex(
        "21 30 30 01234567 801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE6841DB204D39EE6FDB8E356855",
    );
    let client = context(CLIENT, SERVER, Security::Both);
    assert_eq!(client.protect(&plain, 0x0123_4567, GLOBAL).unwrap(), ciphered);
    let mut server = context(SERVER, CLIENT, Security::Both);
    assert_eq!(server.unprotect(&envelope(&ciphered)).unwrap(), plain);
}

#[test]
fn the_green_books_get_request_is_made_in_all_three_protections() {
    // Green Book, table of protected get-request examples: the clock's time with IC 01234567h.
    let plain = hex("C0 01 00 0008 0000010000FF 02 00");
    for (security, wanted) in [
        (Security::Authenticated, "C8 1E 10 01234567 C0010000080000010000FF0200 06725D910F9221D263877516"),
        (Security::Encrypted, "C8 12 20 01234567 411312FF935A47566827C467BC"),
        (Security::Both, "C8 1E 30 01234567 411312FF935A47566827C467BC 7D825C3BE4A77C3FCC056B6B"),
    ] {
        let got = context(CLIENT, SERVER, security).protect(&plain, 0x0123_4567, GLOBAL).unwrap();
        assert_eq!(got, hex(wanted), "{security}");
    }
}

#[test]
fn the_green_books_gmac_over_a_challenge_is_made() {
    // Green Book, HLS mechanism 5: StoC "P6wRJ21F", IC 00000001h.
    let keys = book_keys();
    let handshake = Handshake {
        auth: Auth::HighGmac,
        secret: &[],
        key: Some(&keys),
        own_title: Some(SystemTitle(*b"MMM\x00\x00\x00\x00\x01")),
        peer_title: Some(CLIENT),
        own_challenge: b"K56iVagY",
        peer_challenge: b"P6wRJ21F",
    };
    assert_eq!(handshake.answer(1).unwrap(), hex("10 00000001 1A52FE7DD3E72748973C1E28"));
    handshake.verify(&hex("10 01234567 FE1466AFB3DBCD4F9389E2B7")).unwrap();
}

#[test]
fn the_answers_to_a_challenge_are_those_that_gurux_gives() {
    // gurux_dlms 1.0.203 (PyPI), run as a client of its own on 2026-11-22: title MTWCLNT1, meter XYZ…07, secret
    // 12345678, StoC as below, GMAC counter 100; the CtoS is the one that it sent.
    let keys = book_keys();
    for (auth, challenge, answer) in [
        (Auth::HighMd5, "B8DA11D09377CD534BEC7858BBE84138", "416EF4C982602D4D465E9B4B262332A5"),
        (Auth::HighSha1, "6E7804C1F58D8FFF304BA708416CEC4C", "4C93637930A0937ADC47F4084BD38149CFF51BFA"),
        (
            Auth::HighSha256,
            "48E8BA404DF9C5681E048F0E218D0ED1",
            "5A51794E53C0EB7A1E4BFB86FF6C533380E988AFBBCA9F9EA506CA19005BCAF9",
        ),
        (Auth::HighGmac, "3D5EDB31FE6E282C87ABCE4C9230489D", "1000000064919D1AB8D20BC3CFF6E13FA8"),
    ] {
        let handshake = Handshake {
            auth,
            secret: b"12345678",
            key: Some(&keys),
            own_title: Some(SystemTitle(*b"MTWCLNT1")),
            peer_title: Some(SystemTitle(*b"XYZ\x00\x00\x00\x00\x07")),
            own_challenge: &hex(challenge),
            peer_challenge: b"P6wRJ21FStoC-16b",
        };
        assert_eq!(handshake.answer(100).unwrap(), hex(answer), "{auth}");
    }
}

#[test]
fn requests_are_protected_as_gurux_protects_them() {
    // The same program: title MTWCLNT1, counter 01234567h, a GET of 1-0:1.8.0.
    let plain = hex("C001C100030100010800FF0200");
    for (security, wanted) in [
        (Security::Authenticated, "C81E1001234567C001C100030100010800FF02001A32143BB238CD569833A530"),
        (Security::Encrypted, "C81220012345679BEBADE97B414E7042111FEF05"),
        (Security::Both, "C81E30012345679BEBADE97B414E7042111FEF052E98FDECD9A05F030848E5FA"),
    ] {
        let client = context(SystemTitle(*b"MTWCLNT1"), SERVER, security);
        assert_eq!(client.protect(&plain, 0x0123_4567, GLOBAL).unwrap(), hex(wanted), "{security}");
    }
}

#[test]
fn answers_protected_by_dlms_cosem_are_read() {
    // dlms-cosem 25.1.0 (PyPI): title XYZ…07, counter 7, a general envelope and a glo-initiate-response.
    let meter = SystemTitle(*b"XYZ\x00\x00\x00\x00\x07");
    for (bytes, plain) in [
        ("DB0858595A00000000071A30000000076DEB82DA9DF9846D9A93FC0C39594EBE8CA5AA79F1", "C401C1000600003039"),
        (
            "281F3000000007A1EA458584FD845DB18BDE0CEDAD2472B133D96D402EA87010D5",
            "0800065F1F040000121F04000007",
        ),
    ] {
        let mut client = context(CLIENT, meter, Security::Both);
        assert_eq!(client.unprotect(&envelope(&hex(bytes))).unwrap(), hex(plain));
    }
}

#[test]
fn an_answer_may_come_in_the_other_form_without_a_title_and_in_general_ciphering() {
    // facts/dlms-quirks.md, lines 44 and 45.
    let plain = hex("C4 01 C1 00 11 05");
    let mut client = context(CLIENT, SERVER, Security::Both);
    let server = context(SERVER, CLIENT, Security::Both);
    let general = Envelope { form: CipheringForm::General, ..GLOBAL };
    for (counter, form) in [(0, GLOBAL), (1, general), (2, Envelope { omit_title: true, ..general })] {
        let bytes = server.protect(&plain, counter, form).unwrap();
        assert_eq!(client.unprotect(&envelope(&bytes)).unwrap(), plain);
    }
    let mut header = Vec::new();
    for part in [&[7u8][..], &SERVER.0, &CLIENT.0, &[], &[]] {
        super::super::axdr::put_octets(&mut header, part);
    }
    let body = book_keys().seal(SecurityControl::of(Security::Both), SERVER, 3, &header, &plain);
    let ciphered = Ciphered::GeneralCiphering {
        transaction: vec![7],
        originator: SERVER.0.to_vec(),
        recipient: CLIENT.0.to_vec(),
        stamp: Vec::new(),
        other: Vec::new(),
        key_id: Some(0),
        body,
    };
    assert_eq!(client.unprotect(&ciphered).unwrap(), plain);
}

#[test]
fn a_push_that_is_encrypted_and_bears_no_tag_is_read_where_no_tag_was_agreed() {
    // facts/dlms-quirks.md, line 46.
    let plain = hex("0F 00 00 00 01 00 11 05");
    let server = context(SERVER, CLIENT, Security::Encrypted);
    let bytes = server.protect(&plain, 9, GLOBAL).unwrap();
    assert_eq!(bytes[0], 0xDB, "a notification has no envelope of its own");
    assert_eq!(context(CLIENT, SERVER, Security::Encrypted).unprotect(&envelope(&bytes)).unwrap(), plain);
    let strict = context(CLIENT, SERVER, Security::Both).unprotect(&envelope(&bytes));
    assert_eq!(strict, Err(SecurityError::Weaker));
}

#[test]
fn a_counter_may_begin_anywhere_and_must_rise_from_there() {
    // facts/dlms-quirks.md, lines 41 and 47.
    let server = context(SERVER, CLIENT, Security::Both);
    let answer = |counter| envelope(&server.protect(&hex("C4 01 C1 00 00"), counter, GLOBAL).unwrap());
    let mut client = context(CLIENT, SERVER, Security::Both);
    client.unprotect(&answer(0)).unwrap();
    client.unprotect(&answer(5)).unwrap();
    for old in [5, 4, 0] {
        let error = client.unprotect(&answer(old)).unwrap_err();
        assert_eq!(error, SecurityError::Replay { last: 5, found: old });
        assert!(error.to_string().starts_with("security event"));
    }
    client.unprotect(&answer(6)).unwrap();
}

#[test]
fn the_dedicated_key_has_a_counter_row_of_its_own() {
    // facts/dlms-quirks.md, line 43.
    let mut server = context(SERVER, CLIENT, Security::Both);
    let mut client = context(CLIENT, SERVER, Security::Both);
    for end in [&mut server, &mut client] {
        end.dedicated = Some(book_keys().with_encryption([7; 16]));
    }
    let plain = hex("C4 01 C1 00 00");
    client.unprotect(&envelope(&server.protect(&plain, 900, GLOBAL).unwrap())).unwrap();
    let own = Envelope { key: ServiceKey::Dedicated, ..GLOBAL };
    let bytes = server.protect(&plain, 0, own).unwrap();
    assert_eq!(bytes[0], 0xD4);
    assert_eq!(client.unprotect(&envelope(&bytes)).unwrap(), plain);
    let stranger = context(CLIENT, SERVER, Security::Both).unprotect(&envelope(&bytes));
    assert_eq!(stranger, Err(SecurityError::NoDedicatedKey));
}

#[test]
fn what_suite_0_does_not_have_is_refused_by_name() {
    let mut client = context(CLIENT, SERVER, Security::Encrypted);
    for (control, word) in [(0x31, "suite 1"), (0xB0, "compression"), (0x70, "broadcast")] {
        let body = Protected { control: SecurityControl(control), counter: 1, payload: vec![0; 20] };
        let error = client.unprotect(&Ciphered::Service { tag: 0xCC, body }).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn each_mechanism_proves_both_ends_to_each_other() {
    let keys = book_keys();
    for auth in [Auth::HighMd5, Auth::HighSha1, Auth::HighSha256, Auth::HighGmac] {
        let client = Handshake {
            auth,
            secret: b"12345678",
            key: Some(&keys),
            own_title: Some(CLIENT),
            peer_title: Some(SERVER),
            own_challenge: b"challenge of the client",
            peer_challenge: b"challenge of the meter",
        };
        let server = Handshake {
            own_title: client.peer_title,
            peer_title: client.own_title,
            own_challenge: client.peer_challenge,
            peer_challenge: client.own_challenge,
            ..client
        };
        server.verify(&client.answer(1).unwrap()).unwrap();
        client.verify(&server.answer(77).unwrap()).unwrap();
        assert_eq!(client.verify(&client.answer(1).unwrap()), Err(SecurityError::Proof), "{auth}: reflected");
        let mut wrong = server.answer(1).unwrap();
        wrong[7] ^= 1;
        assert_eq!(client.verify(&wrong), Err(SecurityError::Proof), "{auth}");
        assert_eq!(client.verify(&[]), Err(SecurityError::Proof), "{auth}");
    }
}

#[test]
fn our_own_challenge_sent_back_is_refused() {
    // facts/dlms-quirks.md, line 37.
    let handshake = Handshake {
        auth: Auth::HighMd5,
        secret: b"x",
        key: None,
        own_title: None,
        peer_title: None,
        own_challenge: b"same",
        peer_challenge: b"same",
    };
    assert_eq!(handshake.answer(0), Err(SecurityError::Reflected));
}

#[test]
fn keys_never_show_themselves() {
    assert_eq!(format!("{:?}", book_keys()), "SuiteKey(…)");
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_again_and_no_changed_bit_of_it_does(
        plain in prop::collection::vec(any::<u8>(), 0..300),
        counter: u32,
        which in 0..3usize,
        at: prop::sample::Index,
        bit in 0..8u8,
    ) {
        let security = [Security::Authenticated, Security::Encrypted, Security::Both][which];
        let keys = book_keys();
        let mut body = keys.seal(SecurityControl::of(security), CLIENT, counter, &[1, 2], &plain);
        prop_assert_eq!(&keys.open(&body, CLIENT, &[1, 2]).unwrap(), &plain);
        if security != Security::Encrypted {
            prop_assert_eq!(keys.open(&body, SERVER, &[1, 2]), Err(SecurityError::Tag));
            prop_assert_eq!(keys.open(&body, CLIENT, &[1]), Err(SecurityError::Tag));
            let at = at.index(body.payload.len());
            body.payload[at] ^= 1 << bit;
            prop_assert_eq!(keys.open(&body, CLIENT, &[1, 2]), Err(SecurityError::Tag));
        }
    }

    #[test]
    fn random_envelopes_never_panic(control: u8, payload in prop::collection::vec(any::<u8>(), 0..40)) {
        let body = Protected { control: SecurityControl(control), counter: 1, payload };
        let _ = book_keys().open(&body, CLIENT, &[]);
        let general = Ciphered::General { key: GeneralKey::Global, title: vec![1], body };
        let _ = context(CLIENT, SERVER, Security::None).unprotect(&general);
    }
}
