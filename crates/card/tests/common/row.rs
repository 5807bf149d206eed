use obnova_card::TokenError;

/// A lie, who is told it, and by which name it is refused.
pub struct Row<T, L> {
    pub name: &'static str,
    pub asked: fn(&mut T) -> Result<(), TokenError>,
    pub lie: L,
    pub refused: Refused,
    /// Commands or calls that it may take at most.
    pub most: u32,
    /// What the lie was is only seen later, when the key is used.
    pub seen_later: bool,
}

/// A pattern as it is written, and whether an error is of it.
pub type Refused = (&'static str, fn(&TokenError) -> bool);

macro_rules! by {
    ($($pattern:tt)+) => {
        (stringify!($($pattern)+), |error| matches!(error, $($pattern)+))
    };
}
pub(crate) use by;
