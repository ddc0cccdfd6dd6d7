//! Which session may begin: one at a time on a shared line, a limited number over the network.

use std::collections::{HashMap, VecDeque};

use crate::model::{Line, LinePath, Medium, MeterConfig};

/// What two sessions must not use at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum LineKey {
    /// A port of this computer.
    Port(String),
    /// A socket with a bus, a power line or a mesh behind it.
    Bus(String),
    /// One meter's own way through the network.
    Own(String),
}

impl LineKey {
    /// The line of a meter. Case and spelling of a host are taken as typed: two spellings of one terminal server
    /// are two lines.
    pub(super) fn of(config: &MeterConfig) -> Self {
        let Line { path, gateway, medium } = &config.line;
        match path {
            LinePath::Serial(serial) | LinePath::Modem { serial, .. } => Self::Port(serial.port.clone()),
            LinePath::TcpHdlc(host) | LinePath::TcpFlag(host) => Self::Bus(host.to_string()),
            LinePath::Tcp(host) | LinePath::Udp(host) if *medium != Medium::Direct => {
                Self::Bus(host.to_string())
            }
            LinePath::Tcp(host) | LinePath::Udp(host) => {
                let gateway = gateway.as_ref().map(|gateway| (gateway.network, gateway.address.clone()));
                Self::Own(format!("{host} {:?} {gateway:?}", config.address.map(|address| address.logical)))
            }
        }
    }

    /// Whether it counts towards the limit of sessions; ports are few by themselves.
    const fn is_counted(&self) -> bool {
        !matches!(self, Self::Port(_))
    }
}

/// Two rows: what a person waits for goes ahead of the rest.
#[derive(Debug)]
struct Rows<T> {
    urgent: VecDeque<T>,
    rest: VecDeque<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { urgent: VecDeque::new(), rest: VecDeque::new() }
    }
}

impl<T> Rows<T> {
    fn push(&mut self, urgent: bool, item: T) {
        if urgent { &mut self.urgent } else { &mut self.rest }.push_back(item);
    }

    fn pop(&mut self) -> Option<(bool, T)> {
        if let Some(item) = self.urgent.pop_front() {
            return Some((true, item));
        }
        self.rest.pop_front().map(|item| (false, item))
    }

    fn head(&mut self) -> Option<&mut T> {
        self.urgent.front_mut().or(self.rest.front_mut())
    }

    fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.rest.is_empty()
    }
}

#[derive(Debug)]
struct Waiting<T> {
    busy: bool,
    rows: Rows<T>,
}

/// Items that wait for their lines.
#[derive(Debug)]
pub(super) struct Queue<T> {
    lines: HashMap<LineKey, Waiting<T>>,
    ready_ports: Rows<LineKey>,
    ready_network: Rows<LineKey>,
    limit: usize,
    counted: usize,
}

impl<T> Queue<T> {
    /// A queue that lets at most `limit` sessions go over the network at once.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            lines: HashMap::new(),
            ready_ports: Rows::default(),
            ready_network: Rows::default(),
            limit: limit.max(1),
            counted: 0,
        }
    }

    /// Puts an item in its line's row.
    pub(super) fn push(&mut self, key: &LineKey, urgent: bool, item: T) {
        let line =
            self.lines.entry(key.clone()).or_insert_with(|| Waiting { busy: false, rows: Rows::default() });
        let first = line.rows.is_empty() || urgent && line.rows.urgent.is_empty();
        line.rows.push(urgent, item);
        if !line.busy && first {
            self.make_ready(key.clone(), urgent);
        }
    }

    fn make_ready(&mut self, key: LineKey, urgent: bool) {
        let ready = if key.is_counted() { &mut self.ready_network } else { &mut self.ready_ports };
        ready.push(urgent, key);
    }

    /// The next item whose line is free; its line is held until [`Queue::done`].
    pub(super) fn next(&mut self) -> Option<(LineKey, T)> {
        loop {
            let (_, key) = match self.ready_ports.pop() {
                Some(port) => port,
                None if self.counted < self.limit => self.ready_network.pop()?,
                None => return None,
            };
            // A line may stand in the row twice (an urgent item came after another), or its items were cancelled.
            let Some(line) = self.lines.get_mut(&key).filter(|line| !line.busy) else { continue };
            let Some((_, item)) = line.rows.pop() else { continue };
            line.busy = true;
            self.counted += usize::from(key.is_counted());
            return Some((key, item));
        }
    }

    /// The item that is next on a line that another session holds.
    pub(super) fn next_on_busy(&mut self, key: &LineKey) -> Option<&mut T> {
        self.lines.get_mut(key).filter(|line| line.busy)?.rows.head()
    }

    /// Gives a line back.
    pub(super) fn done(&mut self, key: &LineKey) {
        let Some(line) = self.lines.get_mut(key).filter(|line| line.busy) else { return };
        line.busy = false;
        self.counted -= usize::from(key.is_counted());
        if line.rows.is_empty() {
            self.lines.remove(key);
        } else {
            let urgent = !line.rows.urgent.is_empty();
            self.make_ready(key.clone(), urgent);
        }
    }

    /// Takes out every waiting item that `which` names.
    pub(super) fn take(&mut self, which: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for line in self.lines.values_mut() {
            for row in [&mut line.rows.urgent, &mut line.rows.rest] {
                for item in std::mem::take(row) {
                    if which(&item) {
                        taken.push(item);
                    } else {
                        row.push_back(item);
                    }
                }
            }
        }
        self.lines.retain(|_, line| line.busy || !line.rows.is_empty());
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(line: &str) -> LineKey {
        LineKey::of(&MeterConfig::new("m", line.parse().unwrap()))
    }

    #[test]
    fn meters_on_one_terminal_server_share_a_line_and_those_on_the_network_do_not() {
        assert_eq!(key("tcp+hdlc://ts:8000"), key("tcp+hdlc://ts:8000"));
        assert_eq!(key("serial:/dev/ttyUSB0?baud=9600"), key("serial:/dev/ttyUSB0?optical"));
        assert_ne!(key("tcp://a:4059"), key("tcp://b:4059"));
        assert_ne!(key("tcp://a#gateway=1/1"), key("tcp://a#gateway=1/2"));
        assert_eq!(key("tcp://a?medium=plc#gateway=1/1"), key("tcp://a?medium=plc#gateway=1/2"));
    }

    #[test]
    fn a_shared_line_is_given_to_one_at_a_time_in_order() {
        let bus = key("tcp+hdlc://ts:8000");
        let mut queue = Queue::new(10);
        for item in 1..=3 {
            queue.push(&bus, false, item);
        }
        for item in 1..=3 {
            assert_eq!(queue.next().unwrap().1, item);
            assert!(queue.next().is_none());
            queue.done(&bus);
        }
        assert!(queue.next().is_none());
        assert!(queue.lines.is_empty());
    }

    #[test]
    fn the_network_takes_as_many_as_the_limit_says_and_ports_do_not_count() {
        let mut queue = Queue::new(2);
        for host in 1..=3 {
            queue.push(&key(&format!("tcp://h{host}")), false, host);
        }
        queue.push(&key("serial:/dev/ttyUSB0"), false, 9);
        let begun: Vec<i32> = std::iter::from_fn(|| queue.next().map(|next| next.1)).collect();
        assert_eq!(begun, [9, 1, 2]);
        queue.done(&key("tcp://h1"));
        assert_eq!(queue.next().unwrap().1, 3);
    }

    #[test]
    fn what_a_person_waits_for_goes_ahead() {
        let mut queue = Queue::new(1);
        for host in 1..=3 {
            queue.push(&key(&format!("tcp://h{host}")), false, host);
        }
        queue.push(&key("tcp://h3"), true, 30);
        assert_eq!(queue.next().unwrap().1, 30);
        queue.done(&key("tcp://h3"));
        let mut rest = Vec::new();
        while let Some((line, item)) = queue.next() {
            rest.push(item);
            queue.done(&line);
        }
        rest.sort_unstable();
        assert_eq!(rest, [1, 2, 3], "nothing is lost");
    }

    #[test]
    fn cancelled_items_are_taken_out_and_the_others_keep_their_order() {
        let bus = key("serial:/dev/ttyUSB0");
        let mut queue = Queue::new(1);
        for item in 1..=4 {
            queue.push(&bus, false, item);
        }
        assert_eq!(queue.take(|item| item % 2 == 0), [2, 4]);
        assert_eq!(queue.next().unwrap().1, 1);
        assert_eq!(queue.next_on_busy(&bus), Some(&mut 3));
    }
}
