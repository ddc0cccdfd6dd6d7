use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::duplex;
use tokio::net::TcpListener;

use super::*;
use crate::transport::NoTap;

type Records = Rc<RefCell<Vec<TapRecord>>>;

fn memory() -> (Pipe, DuplexStream, Records) {
    let (near, far) = duplex(4096);
    let records = Records::default();
    (Pipe::new(Place::Memory(near), Box::new(records.clone())), far, records)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn octets_and_exchanges_are_counted_and_go_to_the_tap() {
    let (mut pipe, mut far, records) = memory();
    for _ in 0..2 {
        pipe.write(b"ask").await.unwrap();
        far.write_all(b"answer").await.unwrap();
        pipe.read().await.unwrap();
        far.write_all(b"!").await.unwrap();
        pipe.read().await.unwrap();
    }
    let counters = Counters { bytes_sent: 6, bytes_received: 14, exchanges: 2 };
    assert_eq!(pipe.counters(), counters);
    let kept = records.borrow();
    let seen: Vec<(bool, &[u8])> = kept.iter().take(3).map(|one| (one.sent, one.bytes.as_slice())).collect();
    assert_eq!(seen, [(true, b"ask".as_slice()), (false, b"answer"), (false, b"!")]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_echo_is_no_answer() {
    let (mut pipe, mut far, _) = memory();
    pipe.echo = Some(EchoFilter::default());
    pipe.write(b"ask").await.unwrap();
    far.write_all(b"as").await.unwrap();
    assert!(timeout(Duration::from_secs(1), pipe.read()).await.is_err());
    far.write_all(b"kanswer").await.unwrap();
    assert_eq!(pipe.read().await.unwrap(), b"answer");
    assert_eq!(pipe.counters(), Counters { bytes_sent: 3, bytes_received: 6, exchanges: 1 });
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn software_parity_is_added_checked_and_taken_off() {
    let (mut pipe, mut far, records) = memory();
    pipe.set_format(300, SerialFormat::SevenEvenSoft).await.unwrap();
    pipe.write(b"/?!\r\n").await.unwrap();
    let mut sent = [0; 5];
    far.read_exact(&mut sent).await.unwrap();
    assert_eq!(sent, [0xAF, 0x3F, 0x21, 0x8D, 0x0A]);
    far.write_all(&[0xAF, 0x41, 0x41 | 0x80]).await.unwrap();
    assert_eq!(pipe.read().await.unwrap(), b"/AA");
    let notes: Vec<String> = records.borrow().iter().filter_map(|one| one.note.clone()).collect();
    assert_eq!(notes, ["300 baud, 7e1-soft", "1 characters with wrong parity"]);
    pipe.set_format(9600, SerialFormat::Eight).await.unwrap();
    far.write_all(&[0xFE]).await.unwrap();
    assert_eq!(pipe.read().await.unwrap(), [0xFE]);
}

#[tokio::test(flavor = "current_thread")]
async fn tcp_carries_octets_both_ways_and_sees_the_other_end_close() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = HostPort { host: "127.0.0.1".to_owned(), port };
    let mut pipe = Pipe::new(Place::Tcp(host), Box::new(NoTap));
    assert_eq!(pipe.read().await, Err(TransportError::Closed));
    pipe.open(Duration::from_secs(10)).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    pipe.write(b"ask").await.unwrap();
    let mut asked = [0; 3];
    far.read_exact(&mut asked).await.unwrap();
    far.write_all(b"answer").await.unwrap();
    assert_eq!(pipe.read().await.unwrap(), b"answer");
    drop(far);
    assert_eq!(pipe.read().await, Err(TransportError::Closed));
    assert!(!pipe.is_open());
    pipe.open(Duration::from_secs(10)).await.unwrap();
    assert!(pipe.is_open());
    drop(listener);
    pipe.close().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_refused_connection_says_where_and_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let host = HostPort { host: "127.0.0.1".to_owned(), port };
    let mut pipe = Pipe::new(Place::Tcp(host), Box::new(NoTap));
    let error = pipe.open(Duration::from_secs(10)).await.unwrap_err().to_string();
    assert!(error.contains(&port.to_string()) && error.contains("nothing listens"), "{error}");
}

#[cfg(unix)]
mod pty {
    use std::io::{Read, Write};

    use serialport::{SerialPort, TTYPort};

    use super::*;

    fn line(port: &TTYPort, query: &str) -> SerialLine {
        let text = format!("serial:{}?{query}", port.name().unwrap());
        let parsed: crate::model::Line = text.parse().unwrap();
        match parsed.path {
            LinePath::Serial(line) => line,
            other => panic!("{other:?}"),
        }
    }

    fn pair() -> (TTYPort, TTYPort) {
        let (mut master, mut slave) = TTYPort::pair().unwrap();
        master.set_timeout(Duration::from_secs(10)).unwrap();
        slave.set_exclusive(false).unwrap();
        (master, slave)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_serial_port_carries_octets_changes_speed_and_is_free_again_when_closed() {
        let (mut master, slave) = pair();
        let line = line(&slave, "baud=300&format=8n1&dtr=on&rts=off");
        drop(slave);
        let records = Records::default();
        let mut pipe = Pipe::new(Place::Serial(line.clone()), Box::new(records.clone()));
        pipe.open(Duration::from_secs(10)).await.unwrap();
        for baud in [300, 9600] {
            pipe.set_format(baud, SerialFormat::Eight).await.unwrap();
            pipe.write(b"\x7Eask").await.unwrap();
            let mut asked = [0; 4];
            master.read_exact(&mut asked).unwrap();
            assert_eq!(&asked, b"\x7Eask");
            master.write_all(b"\x80answer").unwrap();
            let mut got = Vec::new();
            while got.len() < 7 {
                got.extend(pipe.read().await.unwrap());
            }
            assert_eq!(got, b"\x80answer");
        }
        let notes: Vec<String> = records.borrow().iter().filter_map(|one| one.note.clone()).collect();
        assert!(notes.iter().any(|note| note.starts_with("DTR cannot be set")), "{notes:?}");
        pipe.close().await;
        pipe.open(Duration::from_secs(10)).await.unwrap();
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_port_that_somebody_holds_is_said_to_be_in_use() {
        let (_master, slave) = pair();
        let line = line(&slave, "baud=9600");
        drop(slave);
        let holder = serialport::new(&line.port, 9600).open().unwrap();
        let mut pipe = Pipe::new(Place::Serial(line), Box::new(NoTap));
        let error = pipe.open(Duration::from_secs(10)).await.unwrap_err().to_string();
        drop(holder);
        assert!(error.contains("in use"), "{error}");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_port_that_is_not_there_is_said_to_be_missing() {
        let line = SerialLine {
            port: "/dev/no-such-port".to_owned(),
            baud: 9600,
            format: SerialFormat::Eight,
            optical: false,
            echo: false,
            dtr: None,
            rts: None,
        };
        let mut pipe = Pipe::new(Place::Serial(line), Box::new(NoTap));
        let error = pipe.open(Duration::from_secs(10)).await.unwrap_err().to_string();
        assert!(error.contains("no serial port"), "{error}");
    }
}
