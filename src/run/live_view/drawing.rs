//! Draws a scene: figures and marks in, signs and colours at their places out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::course::Mark;
use super::lane::Lane;
use super::layout::{Density, Layout};
use super::look::Look;
use super::scene::Scene;
use super::words;

/// The columns of what stands in front of each row.
const LABEL: u16 = 16;
/// The columns of a bar.
const BAR: usize = 12;
/// A time stands at every tenth column.
const TICK: u64 = 10;

/// A scene on a terminal that can show so much.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) scene: &'a Scene,
    pub(super) look: Look,
    pub(super) layout: Layout,
}

impl Widget for View<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let label = match area.width {
            0..=29 => 0,
            30..=59 => area.width / 4,
            _ => LABEL,
        };
        let plot = area.width.saturating_sub(label);
        let place = self.scene.now.and_then(|now| Some(self.scene.lanes.first()?.course.place(now)));
        let last = place.unwrap_or_default();
        let first = (last + 1).saturating_sub(plot.into());
        Drawing { view: self, area, buffer, label, plot, first, last, density: self.layout.density }.draw();
    }
}

/// A view on its way into a buffer.
struct Drawing<'a, 'b> {
    view: View<'a>,
    area: Rect,
    buffer: &'b mut Buffer,
    label: u16,
    /// The columns of the axis of time.
    plot: u16,
    /// Which column of the run is the first of them, and which is the present one.
    first: u64,
    last: u64,
    density: Density,
}

impl Drawing<'_, '_> {
    fn draw(&mut self) {
        let View { scene, look, layout } = self.view;
        self.head();
        let mut row = self.density.head_rows();
        let charts: Vec<Vec<f64>> = scene.lanes.iter().take(layout.lanes).map(|lane| self.chart(lane)).collect();
        let most = charts.iter().flatten().copied().fold(1.0, f64::max);
        for (index, (lane, chart)) in scene.lanes.iter().zip(&charts).enumerate() {
            self.lane(row, index, lane);
            self.draw_chart(row + 2, chart, most, look.client(index));
            row += self.density.lane_rows();
        }
        let more = scene.lanes.len().saturating_sub(layout.lanes);
        if more > 0 {
            self.put(0, row, &words::more(more), look.back());
        } else if self.density.foot_rows() > 0 {
            self.foot(row);
        }
    }

    /// Writes from a column of a row on, as far as there is room; gives back the column after it.
    fn put(&mut self, column: u16, row: u16, text: &str, style: Style) -> u16 {
        if row >= self.area.height || column >= self.area.width {
            return column;
        }
        let room = usize::from(self.area.width - column);
        let (x, y) = (self.area.x + column, self.area.y + row);
        self.buffer.set_stringn(x, y, text, room, style).0 - self.area.x
    }

    /// Writes so that the text ends with the row, if there is room for it after a column; says whether there was.
    fn put_right(&mut self, after: u16, row: u16, text: &str, style: Style) -> bool {
        let width = u16::try_from(unicode_width::UnicodeWidthStr::width(text)).unwrap_or(u16::MAX);
        let column = self.area.width.checked_sub(width).filter(|column| *column > after);
        if let Some(column) = column {
            self.put(column, row, text, style);
        }
        column.is_some()
    }

    fn put_label(&mut self, row: u16, text: &str) {
        let (room, style) = (self.label.saturating_sub(1), self.view.look.back());
        let text: String = text.chars().take(room.into()).collect();
        self.put(0, row, &text, style);
    }

    /// The title, how far the run has come, the axis of time, and the events on it.
    fn head(&mut self) {
        let View { scene, look, .. } = self.view;
        let title = self.put(0, 0, &format!("pushpull {} ", scene.title), look.strong());
        let [status, short] = words::status(scene.frame, scene.now);
        if !self.put_right(title, 0, &status, Style::new()) {
            self.put_right(title, 0, &short, Style::new());
        }
        let events = if self.density.head_rows() > 2 {
            let whole = scene.frame.duration.as_nanos().max(1) as f64;
            let share = scene.now.map_or(0.0, |now| (now.as_nanos() as f64 / whole).min(1.0));
            let done = libm::round(share * f64::from(self.area.width)) as usize;
            let done = self.put(0, 1, &look.sign("━", "=").repeat(done), look.strong());
            let rest = usize::from(self.area.width.saturating_sub(done));
            self.put(done, 1, &look.sign("─", "-").repeat(rest), look.back());
            self.axis(2);
            3
        } else {
            1
        };
        self.put_label(events, "events at B");
        let Some(lane) = scene.lanes.first() else { return };
        for (place, column) in (self.first..=self.last).zip(self.label..) {
            if lane.course.column(place).occurred > 0 {
                self.put(column, events, look.event(), look.strong());
            }
        }
    }

    fn axis(&mut self, row: u16) {
        let View { scene, look, .. } = self.view;
        self.put_label(row, "time");
        let Some((lane, _)) = scene.lanes.first().zip(scene.now) else { return };
        for place in (self.first..=self.last).filter(|place| place % TICK == 0) {
            let at = lane.course.width().times(place);
            let column = self.label + u16::try_from(place - self.first).unwrap_or(u16::MAX);
            self.put(column, row, &format!("{}{}", look.sign("╷", "|"), words::instant(at)), look.back());
        }
        let now = u16::try_from(self.last - self.first).unwrap_or(self.plot);
        let column = (self.label + now + 1).saturating_sub(4).max(self.label);
        self.put(column, row, &format!(" now{}", " ".repeat(usize::from(self.plot))), look.strong());
    }

    /// How many events waited to be heard of in each column that is shown.
    fn chart(&self, lane: &Lane) -> Vec<f64> {
        let Some(now) = self.view.scene.now.filter(|_| self.density.chart_rows() > 0) else { return Vec::new() };
        lane.waiting((self.first, self.plot.into()), now)
    }

    fn draw_chart(&mut self, row: u16, chart: &[f64], most: f64, style: Style) {
        let (look, rows) = (self.view.look, self.density.chart_rows());
        if rows == 0 {
            return;
        }
        self.put_label(row + rows / 2, "  not yet heard");
        for (waiting, column) in chart.iter().zip(self.label..) {
            // What waits at all can be seen.
            let steps = libm::ceil(waiting / most * f64::from(rows) * 8.0) as usize;
            for from_below in 0..rows {
                let step = steps.saturating_sub(usize::from(from_below) * 8);
                if step > 0 {
                    self.put(column, row + rows - 1 - from_below, look.level(step), style);
                }
            }
        }
    }

    fn lane(&mut self, row: u16, index: usize, lane: &Lane) {
        let (look, density) = (self.view.look, self.density);
        if density == Density::Line {
            let name: String = lane.name.chars().take(self.label.saturating_sub(1).into()).collect();
            self.put(0, row, &name, look.client(index).patch(look.strong()));
            return self.marks(row, index, lane);
        }
        let name = format!("{}{} ", look.sign("▌", "| "), lane.name);
        let column = self.put(0, row, &name, look.client(index).patch(look.strong()));
        if density.is_wordy() {
            self.put(column + 1, row, words::way(lane.ways), look.back());
        } else {
            self.put_right(column, row, &words::latency(lane), Style::new());
        }
        self.put_label(row + 1, words::does(lane.ways));
        self.marks(row + 1, index, lane);
        let figures = row + 2 + density.chart_rows();
        if density.is_wordy() {
            self.put_label(figures, "  hears after");
            self.put(self.label, figures, &words::heard(lane), Style::new());
            self.put_label(figures + 1, "  requests");
            self.put(self.label, figures + 1, &words::requests(lane), Style::new());
            self.put_label(figures + 2, "  requests/s");
            self.load(self.label, figures + 2, index, lane);
        } else if density == Density::Close {
            self.put_label(figures, "  requests");
            let column = self.put(self.label, figures, &words::requests(lane), Style::new());
            self.put_right(column, figures, &words::rates(lane), look.back());
        }
    }

    fn marks(&mut self, row: u16, index: usize, lane: &Lane) {
        let look = self.view.look;
        for (place, column) in (self.first..=self.last).zip(self.label..) {
            if let Some(mark) = lane.course.column(place).mark {
                self.put(column, row, look.mark(mark), look.mark_style(mark, index));
            }
        }
    }

    /// A bar for each side, all on the same scale.
    fn load(&mut self, column: u16, row: u16, index: usize, lane: &Lane) {
        let (scene, look) = (self.view.scene, self.view.look);
        let peaks = scene.lanes.iter().flat_map(|lane| &lane.loads).map(super::rate::Rate::peak);
        let peak = peaks.fold(f64::MIN_POSITIVE, f64::max);
        let mut column = column;
        for (name, rate) in ["System A ", "System B "].into_iter().zip(&lane.loads) {
            column = self.put(column, row, name, look.back());
            column = self.put(column, row, &look.bar(rate.latest() / peak, BAR), look.client(index));
            column = self.put(column, row, &format!(" {:<7}", words::rate(rate.latest())), Style::new());
        }
    }

    /// What the signs stand for; or how much was overlooked, if anything was.
    fn foot(&mut self, row: u16) {
        let (scene, look) = (self.view.scene, self.view.look);
        let overlooked = scene.overlooked();
        if overlooked > 0 {
            self.put(0, row, &words::overlooked(overlooked), look.wrong());
            return;
        }
        let mut column = 0;
        for mark in Mark::ALL {
            let Some((meaning, client)) = words::meaning(mark, &scene.lanes) else { continue };
            // What does not fit as a whole is left out.
            if usize::from(self.area.width.saturating_sub(column)) < meaning.len() + 2 {
                continue;
            }
            column = self.put(column, row, look.mark(mark), look.mark_style(mark, client));
            column = self.put(column, row, &format!(" {meaning}  "), look.back());
        }
    }
}

#[cfg(test)]
mod tests;
