//! Drives the peers of one thread: tells them what happens, and carries out what they want.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use super::board::Board;
use super::broadcast::Broadcast;
use super::clock::Clock;
use super::exchange::Carrier;
use super::gzip::compress;
use super::http::HttpClient;
use super::journal::Journal;
use super::lag::Lags;
use super::pacer::Pacer;
use super::witness::{Destination, Witness};
use crate::deadlines::Deadlines;
use crate::fault::{Connections, Faults};
use crate::link::Link;
use crate::measure::fact::Fact;
use crate::peer::{Exchange, Input, Output, Peer, Request, Response, Side};
use crate::time::Time;
use crate::wire::{Message, Wire};

/// After so many peers were woken in a row, other tasks get a turn.
const WAKES_IN_A_ROW: u32 = 32;

/// What a thread needs to know of one client, and what it has seen of it.
pub(super) struct Line {
    pub(super) wire: Wire,
    /// Where this side's requests go; none if it has none to send.
    pub(super) target: Option<SocketAddr>,
    pub(super) board: Arc<Board>,
    /// What goes wrong for the client.
    pub(super) faults: Faults,
    books: Books,
    /// Who is told as well, and as which client's.
    broadcast: Option<(Broadcast, u32)>,
}

/// Who keeps what a line has seen.
enum Books {
    /// All of it is kept until the run is over.
    Journal(RefCell<Journal>),
    /// A witness makes of it what it likes, and requests go where a user said.
    Witness(Rc<dyn Witness>, Destination),
}

impl Line {
    pub(super) fn new(wire: Wire, target: Option<SocketAddr>, board: Arc<Board>, faults: Faults) -> Self {
        Self { wire, target, board, faults, books: Books::Journal(RefCell::default()), broadcast: None }
    }

    /// A line that ends at somebody else's system.
    pub(super) fn witnessed(wire: Wire, destination: Destination, board: Arc<Board>, witness: Rc<dyn Witness>) -> Self {
        let target = Some(destination.address);
        let (faults, books) = (Faults::default(), Books::Witness(witness, destination));
        Self { wire, target, board, faults, books, broadcast: None }
    }

    /// Whatever the line sees of this client is told there as well, if anywhere.
    pub(super) fn told_to(self, broadcast: Option<Broadcast>, client: u32) -> Self {
        Self { broadcast: broadcast.map(|broadcast| (broadcast, client)), ..self }
    }

    /// Writes a fact into the journal, or tells the witness.
    pub(super) fn record(&self, at: Time, fact: Fact) {
        match &self.books {
            Books::Journal(journal) => {
                self.board.take_down(at, &fact);
                if let Some((broadcast, client)) = &self.broadcast {
                    broadcast.tell(*client, at, &fact);
                }
                journal.borrow_mut().push((at, fact));
            }
            Books::Witness(witness, _) => {
                self.board.count(&fact);
                witness.saw(at, &fact);
            }
        }
    }

    /// Tells a witness with which status an exchange was answered.
    pub(super) fn answered(&self, exchange: Exchange, status: u16) {
        if let Books::Witness(witness, _) = &self.books {
            witness.answered(exchange, status);
        }
    }

    /// Readdresses a request to where a user said, if one did.
    pub(super) fn address(&self, message: &mut Message) {
        if let Books::Witness(_, destination) = &self.books {
            destination.address(message);
        }
    }

    /// An answer of this side, ready to be sent.
    fn answer(&self, response: &Response) -> Message {
        let message = self.wire.response(response);
        if self.wire.compresses(response) { compress(message) } else { message }
    }

    /// Takes the journal as it is now.
    pub(super) fn take_journal(&self) -> Journal {
        match &self.books {
            Books::Journal(journal) => journal.take(),
            Books::Witness(..) => Journal::default(),
        }
    }
}

/// The peers of one thread: System B's, one for each client, or those of one client, one for each consumer.
pub(super) struct Driver<P> {
    pub(super) clock: Clock,
    pub(super) pacer: Rc<Pacer>,
    pub(super) link: Link,
    pub(super) http: HttpClient,
    pub(super) lags: RefCell<Lags>,
    side: Side,
    /// One for each peer, or a single one that all of them share.
    lines: Vec<Line>,
    peers: RefCell<Peers<P>>,
    /// Requests that a peer has taken and not yet answered.
    unanswered: RefCell<BTreeMap<(u32, Exchange), oneshot::Sender<Message>>>,
    /// The request that a peer is just being told of.
    asked_now: Cell<Option<(u32, Exchange)>>,
    /// The answer to that, if the peer had it at once.
    answered_now: Cell<Option<Message>>,
    /// Tasks that have no exchange to see through.
    pub(super) idle_carriers: RefCell<Vec<Rc<Carrier>>>,
    /// The instant at which [`Self::keep_awake`] looks again of its own accord.
    looks_again: Cell<Time>,
    look_sooner: Notify,
    out: Cell<Vec<Output>>,
}

struct Peers<P> {
    all: Vec<P>,
    deadlines: Deadlines,
}

impl<P: Peer + 'static> Driver<P> {
    pub(super) fn new(
        side: Side,
        peers: Vec<P>,
        lines: Vec<Line>,
        link: Link,
        pacer: (Clock, Rc<Pacer>),
        http: HttpClient,
    ) -> Rc<Self> {
        let mut deadlines = Deadlines::new(peers.len());
        for (peer, index) in peers.iter().zip(0..) {
            deadlines.set(index, peer.deadline());
        }
        Rc::new(Self {
            clock: pacer.0,
            pacer: pacer.1,
            link,
            http,
            lags: RefCell::new(Lags::new()),
            side,
            lines,
            peers: RefCell::new(Peers { all: peers, deadlines }),
            unanswered: RefCell::default(),
            asked_now: Cell::default(),
            answered_now: Cell::default(),
            idle_carriers: RefCell::default(),
            looks_again: Cell::new(Time::ZERO),
            look_sooner: Notify::new(),
            out: Cell::default(),
        })
    }

    /// The line of a peer. Indices come from [`Self::peer_of`] or a bounded loop, never from a message.
    pub(super) fn line(&self, index: u32) -> &Line {
        match self.lines.as_slice() {
            [shared] => shared,
            each => &each[index as usize],
        }
    }

    /// All lines.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Tells a peer something and carries out what it wants; gives back the instant at which that happened.
    pub(super) fn tell(self: &Rc<Self>, index: u32, input: Input) -> Time {
        let now = self.clock.now();
        self.tell_at(now, index, input);
        now
    }

    /// The same where the present instant is known already. Nothing may have been told since it was read.
    pub(super) fn tell_at(self: &Rc<Self>, now: Time, index: u32, input: Input) {
        let mut out = self.out.take();
        let earliest = {
            let peers = &mut *self.peers.borrow_mut();
            let Some(peer) = peers.all.get_mut(index as usize) else { return };
            if let Some(due) = peers.deadlines.of(index).filter(|due| *due <= now) {
                self.lags.borrow_mut().record(now.since(due));
            }
            peer.handle(now, input, &mut out);
            let deadline = peer.deadline();
            debug_assert!(deadline.is_none_or(|at| at > now), "a deadline that has passed");
            peers.deadlines.set(index, deadline);
            peers.deadlines.earliest().map(|(at, _)| at)
        };
        if earliest.is_some_and(|at| at < self.looks_again.get()) {
            // It looks at once now; it need not be told so again.
            self.looks_again.set(Time::ZERO);
            self.look_sooner.notify_one();
        }
        for output in out.drain(..) {
            match output {
                Output::Send { exchange, request, timeout } => self.open(index, now, exchange, request, timeout),
                Output::Reply { exchange, response } => self.reply(index, now, exchange, response),
                Output::Note(note) => self.line(index).record(now, Fact::Noted(self.side, note)),
            }
        }
        self.out.set(out);
    }

    /// Hands a request to a peer, at the present instant, and waits for its answer; none if that peer goes down before there
    /// is one.
    pub(super) async fn ask(
        self: &Rc<Self>,
        now: Time,
        index: u32,
        exchange: Exchange,
        request: Request,
    ) -> Option<Message> {
        self.asked_now.set(Some((index, exchange)));
        self.tell_at(now, index, Input::Requested(exchange, request));
        self.asked_now.set(None);
        if let Some(answer) = self.answered_now.take() {
            return Some(answer);
        }
        let (answer, answered) = oneshot::channel();
        self.unanswered.borrow_mut().insert((index, exchange), answer);
        answered.await.ok()
    }

    /// Tells a peer that its process has gone down for these consumers. Nothing that it was asked for them before will be
    /// answered.
    pub(super) fn crash(self: &Rc<Self>, index: u32, is_down: impl Fn(u32) -> bool) {
        let now = self.tell(index, Input::Crashed);
        let asked: Vec<Exchange> = {
            let mut unanswered = self.unanswered.borrow_mut();
            let is_hit = |(peer, exchange): &(u32, Exchange)| *peer == index && is_down(exchange.consumer);
            unanswered.extract_if(.., |key, _| is_hit(key)).map(|((_, exchange), _)| exchange).collect()
        };
        for exchange in asked {
            self.line(index).record(now, Fact::RequestLost(exchange));
        }
    }

    /// What becomes of a request that gets no answer because its side is down: none if its connection is reset. Where
    /// packets vanish there is no end to it.
    pub(super) async fn hang_up<T>(&self, connections: Connections) -> Option<T> {
        match connections {
            Connections::Reset => None,
            Connections::Drop => std::future::pending().await,
        }
    }

    fn reply(&self, index: u32, now: Time, exchange: Exchange, response: Response) {
        let is_at_once = self.asked_now.get() == Some((index, exchange));
        let waits = if is_at_once { None } else { self.unanswered.borrow_mut().remove(&(index, exchange)) };
        if !is_at_once && waits.is_none() {
            return;
        }
        let line = self.line(index);
        let message = line.answer(&response);
        line.record(now, Fact::Replied { exchange, bytes: message.size() });
        match waits {
            // Whoever asked may have hung up.
            Some(waits) => drop(waits.send(message)),
            None => {
                self.asked_now.set(None);
                self.answered_now.set(Some(message));
            }
        }
    }

    /// Wakes each peer when it wants to be woken, for ever.
    pub(super) async fn keep_awake(self: Rc<Self>) {
        let mut in_a_row = 0;
        loop {
            let next = self.peers.borrow_mut().deadlines.earliest();
            let now = self.clock.now();
            match next {
                Some((at, index)) if at <= now => {
                    self.tell_at(now, index, Input::Wake);
                    in_a_row += 1;
                    if in_a_row % WAKES_IN_A_ROW == 0 {
                        tokio::task::yield_now().await;
                    }
                    continue;
                }
                Some((at, _)) => {
                    self.looks_again.set(at);
                    tokio::select! {
                        biased;
                        () = self.pacer.wait(at) => {}
                        () = self.look_sooner.notified() => {}
                    }
                }
                None => {
                    self.looks_again.set(Time::NEVER);
                    self.look_sooner.notified().await;
                }
            }
            self.looks_again.set(Time::ZERO);
        }
    }
}
