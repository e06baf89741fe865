//! The lab: a page on this machine that teaches the difference between polling and webhooks, with the real engine behind it.
//!
//! `parameters` is the one table of what can be moved. From it come the controls of the page, the query of its address, the
//! check of what comes in and the scenario file; what is played is that very file. What the page says of a run, the engine
//! has found: the page itself only draws.

mod answer;
mod assets;
mod charts;
mod desk;
mod facts;
mod host;
mod lessons;
mod page;
mod parameters;
mod play;
mod query;
mod scenario;
mod start;
mod story;
mod sweep;
mod turns;
mod window;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;

use crate::engine::Control;
use crate::engine::live::{LiveError, listen, local_runtime, serve_telling};
use crate::policy::receiver::Limits;
use crate::scenario::{Problems, Template};
use crate::time::Span;
use desk::Desk;
use start::Start;

/// How often to look whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is taken at most of whoever calls. Nobody has a reason to send a body, so none is read.
const LIMITS: Limits = Limits { header: 16 << 10, body: 0, read_time: Span::from_secs(10), connections: 64 };

/// From what the sandbox of a lab starts.
#[derive(Debug, Default)]
pub struct Sandbox(Start);

impl Sandbox {
    /// A scenario file, of which the page shows what its parameters can. `dir` is where files are looked for that it names.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run in virtual time.
    pub fn from_file(template: &Template, dir: &Path) -> Result<Self, Problems> {
        Start::from_file(template, dir).map(Self)
    }
}

/// A lab that has its address and has not started.
#[derive(Debug)]
pub struct Lab {
    listener: TcpListener,
    address: SocketAddr,
}

impl Lab {
    /// Binds the listener; port 0 takes any that is free.
    ///
    /// # Errors
    ///
    /// The address is taken or not this machine's.
    pub fn bind(address: IpAddr, port: u16) -> Result<Self, LiveError> {
        let (listener, address) = listen(SocketAddr::new(address, port))?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the page until `control` tells to stop. Where others may call, so may browsers that were given an address of
    /// this machine which is not loopback.
    ///
    /// # Errors
    ///
    /// The system has refused something that a server needs.
    pub fn play(self, sandbox: Sandbox, allow_remote: bool, control: &Control) -> Result<(), LiveError> {
        let refused = |source| LiveError::Io { doing: "serve the lab", source };
        let runtime = local_runtime().map_err(refused)?;
        let served = runtime.block_on(self.serve(Desk::new(sandbox.0, allow_remote), control));
        // A run that is still under way has been told to stop; nobody waits for it.
        runtime.shutdown_background();
        served.map_err(refused)
    }

    async fn serve(self, desk: Desk, control: &Control) -> io::Result<()> {
        let desk = Rc::new(desk);
        let handler = move |request| Rc::clone(&desk).answer(request);
        let mut server = spawn_local(serve_telling(self.listener, LIMITS, handler, |_| {}));
        loop {
            tokio::select! {
                ended = &mut server => return ended.map_err(io::Error::other)?,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if control.is_stopped() {
                server.abort();
                return Ok(());
            }
        }
    }
}
