//! System B alone: plays the provider of a scenario against a receiver of the user's own, and says how that did.

mod attempts;
mod figures;
mod polls;
mod score;

use std::cell::RefCell;
use std::rc::Rc;

pub use attempts::AttemptLog;
pub use figures::{FIGURES, Outcome, POLL_FIGURES, csv, json, polls_csv, table};
pub use polls::{PathCounts, PathRow, Polls};
pub use score::Score;

use crate::engine::live::{Alone, AloneRun, Call, Destination, Failure, LiveError, Witness};
use crate::engine::{Control, Setup};
use crate::measure::fact::Fact;
use crate::peer::Exchange;
use crate::policy::signature::Keys;
use crate::report::files::Streamed;
use crate::time::Time;

/// Why no client of a scenario can be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// None of that name.
    #[error("the scenario has no client {name:?}; its push clients are: {}", known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The names that would do.
        known: Vec<String>,
    },
    /// It is not pushed to.
    #[error("the client {name:?} only polls, so no webhooks are sent to it; choose one with a [client.push] table")]
    NotPushed {
        /// The name.
        name: String,
    },
    /// No client is pushed to.
    #[error("no client of the scenario takes webhooks; add one with a [client.push] table")]
    NoneIsPushed,
}

/// The position of the push client of that name, or of the first push client.
///
/// # Errors
///
/// If there is none.
pub fn choose_client(setup: &Setup, name: Option<&str>) -> Result<usize, ClientError> {
    let pushed = || setup.clients.iter().filter(|client| client.push.is_some());
    let Some(name) = name else {
        return setup.clients.iter().position(|client| client.push.is_some()).ok_or(ClientError::NoneIsPushed);
    };
    let position = setup.clients.iter().position(|client| client.name == name);
    match position.and_then(|index| Some((index, setup.clients.get(index)?))) {
        Some((index, client)) if client.push.is_some() => Ok(index),
        Some(_) => Err(ClientError::NotPushed { name: name.to_owned() }),
        None if pushed().next().is_none() => Err(ClientError::NoneIsPushed),
        None => Err(ClientError::Unknown {
            name: name.to_owned(),
            known: pushed().map(|client| format!("{:?}", client.name)).collect(),
        }),
    }
}

/// How a receiver did, and how the run ended that found it out.
#[derive(Debug)]
pub struct Played {
    /// The counts.
    pub score: Score,
    /// The end of the run.
    pub run: AloneRun,
    /// Every attempt, in a file that is not yet in its place.
    pub attempts: Option<Streamed>,
}

/// Plays to the end. Each attempt is written to `log` as it ends.
///
/// # Errors
///
/// The system has refused something that every run needs.
pub fn play(
    alone: Alone,
    destination: Destination,
    keys: Keys,
    log: AttemptLog,
    control: &Control,
) -> Result<Played, LiveError> {
    let keeper = Rc::new(Keeper { score: RefCell::new(Score::new(log)) });
    let run = alone.play(destination, keys, Rc::clone(&keeper) as Rc<dyn Witness>, control)?;
    let mut score = keeper.score.replace(Score::new(AttemptLog::nowhere()));
    score.close();
    let attempts = score.log().finish();
    Ok(Played { score, run, attempts })
}

/// Keeps the score while the provider plays.
struct Keeper {
    score: RefCell<Score>,
}

impl Witness for Keeper {
    fn starts(&self, epoch_nanos: i128) {
        self.score.borrow_mut().log().starts(epoch_nanos);
    }

    fn saw(&self, at: Time, fact: &Fact) {
        self.score.borrow_mut().saw(at, fact);
    }

    fn answered(&self, exchange: Exchange, status: u16) {
        self.score.borrow_mut().answered(exchange, status);
    }

    fn failed(&self, exchange: Exchange, failure: Failure) {
        self.score.borrow_mut().failed(exchange, failure);
    }

    fn called(&self, call: &Call<'_>) {
        self.score.borrow_mut().polls.called(call);
    }

    fn is_settled(&self) -> bool {
        let score = self.score.borrow();
        score.pending() == 0 && score.unfinished() == 0
    }
}
