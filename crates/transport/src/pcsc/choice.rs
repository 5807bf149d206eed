use std::{
    ffi::CString,
    time::{Duration, Instant},
};

use ::pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::{
    PcscConnection,
    failure::{meaning, service_is_gone},
};
use crate::TransportError;

/// A reader and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its name, unique while it is connected.
    pub name: String,
    /// The answer to reset of the card in it; `None` when it is empty.
    pub card: Option<Vec<u8>>,
    /// There is a card, and it does not speak: upside down, dirty, broken.
    pub mute: bool,
    /// Another program has the card for itself.
    pub taken: bool,
}

/// Which reader to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReaderChoice {
    /// The only one with a card in it; or, to say that a card is missing, the only one.
    #[default]
    Only,
    /// The one with this name.
    Named(String),
    /// The one with this name, or else the only one with a card of those whose name contains this text, in either case of
    /// letters.
    Containing(String),
}

impl Reader {
    /// The readers that are connected, in the order of the service.
    ///
    /// # Errors
    /// [`TransportError::ServiceStopped`]. No reader at all is an empty list.
    pub fn list() -> Result<Vec<Self>, TransportError> {
        list(&establish()?)
    }
}

impl ReaderChoice {
    /// The reader that is meant.
    ///
    /// # Errors
    /// [`TransportError::NoReader`], [`TransportError::ReaderNotFound`]; [`TransportError::ReaderAmbiguous`] when several fit
    /// and have cards, [`TransportError::NoCard`] when several fit and none has.
    pub fn choose<'r>(&self, readers: &'r [Reader]) -> Result<&'r Reader, TransportError> {
        if readers.is_empty() {
            return Err(TransportError::NoReader);
        }
        let fitting = self.fitting(readers);
        let with_card: Vec<_> = fitting.iter().copied().filter(|reader| reader.card.is_some()).collect();
        let names = |readers: &[&Reader]| readers.iter().map(|reader| reader.name.clone()).collect::<Vec<_>>();
        match (fitting.as_slice(), with_card.as_slice()) {
            ([], _) => Err(TransportError::ReaderNotFound {
                wanted: self.text().to_owned(),
                present: readers.iter().map(|reader| reader.name.clone()).collect(),
            }),
            ([one], _) | (_, [one]) => Ok(one),
            (empty, []) => Err(TransportError::NoCard { reader: names(empty).join(", ") }),
            (_, several) => Err(TransportError::ReaderAmbiguous { candidates: names(several) }),
        }
    }

    /// Waits until there is a card in the reader that is meant, or until `patience` is over (`None`: for ever). Readers
    /// may be connected meanwhile.
    ///
    /// # Errors
    /// As [`choose`](Self::choose) and [`PcscConnection::open`], in particular [`TransportError::NoCard`], when
    /// `patience` is over; [`TransportError::ServiceStopped`] at once.
    pub fn wait_for_card(&self, patience: Option<Duration>) -> Result<PcscConnection, TransportError> {
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        let context = establish()?;
        loop {
            let readers = list(&context)?;
            let outcome = self.choose(&readers).and_then(|reader| match reader.card {
                Some(_) => PcscConnection::to_reader(&reader.name),
                None => Err(TransportError::NoCard { reader: reader.name.clone() }),
            });
            match outcome {
                Err(
                    TransportError::NoReader
                    | TransportError::ReaderNotFound { .. }
                    | TransportError::NoCard { .. }
                    | TransportError::CardRemoved,
                ) => {}
                outcome => return outcome,
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return outcome;
            }
            wait_for_change(&context, &readers, left)?;
        }
    }

    fn fitting<'r>(&self, readers: &'r [Reader]) -> Vec<&'r Reader> {
        let named = |name: &str| readers.iter().filter(|reader| reader.name == name).collect::<Vec<_>>();
        match self {
            Self::Only => readers.iter().collect(),
            Self::Named(name) => named(name),
            Self::Containing(part) => {
                let exactly = named(part);
                if !exactly.is_empty() {
                    return exactly;
                }
                let part = part.to_lowercase();
                readers.iter().filter(|reader| reader.name.to_lowercase().contains(&part)).collect()
            }
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Only => "",
            Self::Named(text) | Self::Containing(text) => text,
        }
    }
}

pub(super) fn establish() -> Result<Context, TransportError> {
    // A service that refuses a user closes the connection, and so does one that is about to end: the latter is gone soon.
    const LOOKS: u32 = 4;
    let mut result = Context::establish(Scope::User);
    for _ in 1..LOOKS {
        if !matches!(result, Err(Error::SecurityViolation)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        result = Context::establish(Scope::User);
    }
    result.map_err(|error| match error {
        // Without a service pcsclite knows no readers either, and an old one says just that.
        Error::NoReadersAvailable => TransportError::ServiceStopped,
        Error::SecurityViolation | Error::NoAccess => TransportError::AccessDenied,
        error => meaning(error, ""),
    })
}

fn list(context: &Context) -> Result<Vec<Reader>, TransportError> {
    let names = match context.list_readers_owned() {
        Ok(names) => names,
        Err(Error::NoReadersAvailable) => return Ok(Vec::new()),
        Err(error) => return Err(meaning(error, "")),
    };
    let mut states: Vec<_> = names.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)).collect();
    if states.is_empty() {
        return Ok(Vec::new());
    }
    match context.get_status_change(Some(Duration::ZERO), &mut states) {
        // A reader that goes between the two calls is shown without a card; the next call will not find it.
        Ok(()) | Err(Error::Timeout | Error::UnknownReader) => {}
        Err(error) => return Err(meaning(error, "")),
    }
    Ok(states.iter().map(reader).collect())
}

fn reader(state: &ReaderState) -> Reader {
    let event = state.event_state();
    let present = event.contains(State::PRESENT);
    Reader {
        name: state.name().to_string_lossy().into_owned(),
        card: present.then(|| state.atr().to_vec()),
        mute: event.contains(State::MUTE),
        taken: event.contains(State::EXCLUSIVE),
    }
}

/// Waits until a card or a reader comes or goes.
fn wait_for_change(context: &Context, readers: &[Reader], patience: Option<Duration>) -> Result<(), TransportError> {
    // A reader without plug and play notification would be missed for ever: look again now and then.
    const LOOK_AGAIN: Duration = Duration::from_secs(2);
    let patience = patience.map_or(LOOK_AGAIN, |patience| patience.min(LOOK_AGAIN));
    let known = readers.iter().filter_map(|reader| {
        let state = if reader.card.is_some() { State::PRESENT } else { State::EMPTY };
        Some(ReaderState::new(CString::new(reader.name.as_str()).ok()?, state))
    });
    let mut states: Vec<_> = known.chain([ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)]).collect();
    match context.get_status_change(patience, &mut states) {
        Ok(()) | Err(Error::Timeout | Error::UnknownReader) => Ok(()),
        Err(error) if service_is_gone(error) => Err(TransportError::ServiceStopped),
        Err(error) => Err(meaning(error, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(list: &[(&str, bool)]) -> Vec<Reader> {
        let reader = |&(name, card): &(&str, bool)| Reader {
            name: name.to_owned(),
            card: card.then(|| vec![0x3B, 0x00]),
            mute: false,
            taken: false,
        };
        list.iter().map(reader).collect()
    }

    fn chosen(choice: &ReaderChoice, list: &[(&str, bool)]) -> Result<String, TransportError> {
        choice.choose(&readers(list)).map(|reader| reader.name.clone())
    }

    #[test]
    fn one_right_answer_is_taken_without_asking() {
        let only = ReaderChoice::Only;
        assert_eq!(chosen(&only, &[("A", false)]).unwrap(), "A");
        assert_eq!(chosen(&only, &[("A", false), ("B", true)]).unwrap(), "B");
    }

    #[test]
    fn where_two_have_cards_both_are_named() {
        let both = TransportError::ReaderAmbiguous { candidates: vec!["A".to_owned(), "B".to_owned()] };
        assert_eq!(chosen(&ReaderChoice::Only, &[("A", true), ("B", true), ("C", false)]), Err(both));
        let none = TransportError::NoCard { reader: "A, B".to_owned() };
        assert_eq!(chosen(&ReaderChoice::Only, &[("A", false), ("B", false)]), Err(none));
    }

    #[test]
    fn a_name_goes_before_a_part_of_a_name() {
        let list = [("Gem 00 00", true), ("Gem 00 00 (2)", true), ("Other", true)];
        assert_eq!(chosen(&ReaderChoice::Named("Other".to_owned()), &list).unwrap(), "Other");
        assert_eq!(chosen(&ReaderChoice::Containing("oth".to_owned()), &list).unwrap(), "Other");
        assert_eq!(chosen(&ReaderChoice::Containing("Gem 00 00".to_owned()), &list).unwrap(), "Gem 00 00");
        let error = chosen(&ReaderChoice::Containing("gem".to_owned()), &list).unwrap_err();
        assert!(matches!(error, TransportError::ReaderAmbiguous { candidates } if candidates.len() == 2));
    }

    #[test]
    fn what_is_missing_is_told_with_what_is_there() {
        assert_eq!(chosen(&ReaderChoice::Only, &[]), Err(TransportError::NoReader));
        let error = chosen(&ReaderChoice::Named("B".to_owned()), &[("A", true)]).unwrap_err();
        assert_eq!(error.to_string(), "no reader is called \"B\": connect it, or choose one of: A");
    }
}
