//! How much of a scene fits on a screen, and what is left out where there is little room.

/// How much room a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Density {
    /// Everything, with a high chart.
    Tall,
    /// Everything.
    Full,
    /// No figures but the most telling ones.
    Close,
    /// A line of marks and one of figures.
    Brief,
    /// A line of marks.
    Line,
}

impl Density {
    const ALL: [Self; 5] = [Self::Tall, Self::Full, Self::Close, Self::Brief, Self::Line];

    /// The rows of the chart that shows what has not been heard of.
    pub(super) const fn chart_rows(self) -> u16 {
        match self {
            Self::Tall => 3,
            Self::Full | Self::Close => 1,
            Self::Brief | Self::Line => 0,
        }
    }

    /// The rows of a client.
    pub(super) const fn lane_rows(self) -> u16 {
        match self {
            Self::Tall => 9,
            Self::Full => 7,
            Self::Close => 4,
            Self::Brief => 2,
            Self::Line => 1,
        }
    }

    /// Whether there is room for all that is said about a client.
    pub(super) const fn is_wordy(self) -> bool {
        matches!(self, Self::Tall | Self::Full)
    }

    /// The rows above the clients.
    pub(super) const fn head_rows(self) -> u16 {
        match self {
            Self::Tall | Self::Full => 5,
            Self::Close => 4,
            Self::Brief | Self::Line => 2,
        }
    }

    /// The rows below the clients: what the signs stand for.
    pub(super) const fn foot_rows(self) -> u16 {
        match self {
            Self::Tall | Self::Full | Self::Close => 1,
            Self::Brief | Self::Line => 0,
        }
    }
}

/// What is shown, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) density: Density,
    /// How many clients are shown.
    pub(super) lanes: usize,
    /// The rows that all of it takes.
    pub(super) rows: u16,
}

impl Layout {
    /// The roomiest layout of so many clients that takes at most so many rows; as many clients as fit where none is small
    /// enough for all.
    pub(super) fn of(clients: usize, rows_max: u16) -> Self {
        let rows = |density: Density| {
            let lanes = clients.saturating_mul(density.lane_rows().into());
            lanes.saturating_add((density.head_rows() + density.foot_rows()).into())
        };
        for density in Density::ALL {
            // A view as high as the whole screen leaves nothing of what was there before.
            let most = if density == Density::Tall { rows_max.saturating_sub(6) } else { rows_max };
            if let Ok(rows) = u16::try_from(rows(density))
                && rows <= most
            {
                return Self { density, lanes: clients, rows };
            }
        }
        // One row says how many more there are.
        let lanes = rows_max.saturating_sub(Density::Line.head_rows() + 1);
        Self { density: Density::Line, lanes: lanes.into(), rows: rows_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_shown_fits() {
        for clients in 0..40 {
            for rows_max in 1..80 {
                let Layout { density, lanes, rows } = Layout::of(clients, rows_max);
                assert!(rows <= rows_max && lanes <= clients);
                assert!(lanes as u16 * density.lane_rows() <= rows);
            }
        }
    }

    #[test]
    fn two_clients_fit_with_all_their_figures_on_the_smallest_usual_screen() {
        assert_eq!(Layout::of(2, 23), Layout { density: Density::Full, lanes: 2, rows: 20 });
        assert_eq!(Layout::of(2, 49).density, Density::Tall);
        assert_eq!(Layout::of(4, 23).density, Density::Close);
        assert_eq!(Layout::of(5, 9), Layout { density: Density::Line, lanes: 5, rows: 7 });
        assert_eq!(Layout::of(100, 9), Layout { density: Density::Line, lanes: 6, rows: 9 });
    }
}
