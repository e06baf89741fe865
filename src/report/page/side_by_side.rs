//! The side-by-side table: a column for each client, a row for each figure.

use maud::{Markup, html};

use crate::fault::ForgeryKind;
use crate::report::columns::{Cell, significant};
use crate::report::page::figure::{number, row_key, show, sourced};
use crate::report::page::saved::{Client, Comparison, Engine, Replications, Saved};
use crate::report::page::shell::Section;
use crate::report::page::{engine_name, has_several_engines, scrolling};
use crate::report::{costs, human, palette, replications, table};

/// More clients than this make no table that anybody reads; the others stand in the files.
pub(super) const CLIENTS_MAX: usize = 60;

/// The table of every engine.
pub(super) fn section(saved: &Saved) -> Section {
    let body = html! {
        @for engine in &saved.engines {
            @match &saved.replications {
                Some(all) => (Replicated { saved, engine, all }.table()),
                None => (Single { saved, engine }.table()),
            }
        }
    };
    Section::new("side-by-side", "Side by side", body)
}

/// What a table is of, above it.
fn caption(saved: &Saved, engine: &Engine) -> String {
    let name = engine_name(&engine.engine);
    let by = if has_several_engines(saved) { format!(", {name}") } else { String::new() };
    match &saved.replications {
        Some(all) if all.count > 1 => format!(
            "Means of {} replications{by}; below each, the ends of the 95 % confidence interval of the mean",
            human::count(all.count)
        ),
        Some(_) => format!("A single replication{by}, which says nothing of how sure its figures are"),
        None => format!("All figures of each client{by}"),
    }
}

/// The names of clients as the head of a table, with the colour of each.
pub(super) fn client_heads(clients: &[&Client]) -> Markup {
    html! {
        @for (index, client) in clients.iter().enumerate() {
            th scope="col" class="client" style=(format!("border-bottom-color:{}", palette::client(index))) {
                (client.name) " "
                span class="mode" { (client.mode) }
            }
        }
    }
}

/// A line of the table below the heading of its section.
struct Row {
    section: &'static str,
    markup: Markup,
}

/// The rows of a table in groups, each below its heading.
fn grouped(rows: Vec<Row>, columns: usize) -> Markup {
    let mut groups: Vec<(&'static str, Vec<Row>)> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            // A line without a section belongs to the one before it.
            Some((section, group)) if row.section.is_empty() || row.section == *section => group.push(row),
            _ => groups.push((row.section, vec![row])),
        }
    }
    html! {
        @for (section, rows) in groups {
            tbody {
                tr class="group" { th scope="rowgroup" colspan=(columns) { (section) } }
                @for row in rows { (row.markup) }
            }
        }
    }
}

/// The label of a line; one that breaks down the line above it stands further in.
fn label(text: &str) -> Markup {
    let class = if text.starts_with(' ') { "part" } else { "" };
    html! { th scope="row" class=[Some(class).filter(|class| !class.is_empty())] { (text.trim_start()) } }
}

/// The table of one run.
struct Single<'a> {
    saved: &'a Saved,
    engine: &'a Engine,
}

impl<'a> Single<'a> {
    fn clients(&self) -> Vec<&'a Client> {
        self.engine.clients.iter().take(CLIENTS_MAX).collect()
    }

    fn with_ratio(&self) -> bool {
        self.engine.clients.len() == 2 && !self.engine.cut_unevenly
    }

    fn table(&self) -> Markup {
        let clients = self.clients();
        let columns = 1 + clients.len() + usize::from(self.with_ratio());
        let rows =
            table::LINES.iter().filter_map(|line| self.line(line.section, line.label, line.column, line.optional));
        let costs = costs::LINES.iter().filter_map(|line| self.line("Cost", line.label, line.column, true));
        let rows: Vec<Row> = rows.chain(costs).collect();
        let table = html! {
            table class="figures" data-file="summary.csv" {
                caption { (caption(self.saved, self.engine)) }
                thead {
                    tr {
                        td {}
                        (client_heads(&clients))
                        @if self.with_ratio() { th scope="col" class="ratio" { "ratio " span class="mode" { "second to first" } } }
                    }
                }
                (grouped(rows, columns))
            }
        };
        html! {
            (scrolling("All figures side by side", &table))
            @if clients.iter().any(|client| client.is_overloaded()) {
                p class="note" { "* Overloaded: a mean would say more about the length of the run than about the client." }
            }
            @if self.engine.clients.len() > clients.len() {
                p class="note" { "The other " (human::count((self.engine.clients.len() - clients.len()) as u64)) " clients stand in summary.csv." }
            }
        }
    }

    fn line(&self, section: &'static str, text: &'static str, column: &'static str, is_optional: bool) -> Option<Row> {
        let is_forgery = ForgeryKind::ALL.iter().any(|kind| kind.name() == column);
        let clients = self.clients();
        let cells: Vec<Cell> = clients
            .iter()
            .map(|client| if is_forgery { client.believed(column) } else { client.cell(column) })
            .collect();
        if is_optional && cells.iter().all(|cell| cell.value().is_none_or(|value| value == 0.0)) {
            return None;
        }
        let diverges = |client: &Client| column == "latency_mean_ms" && client.is_overloaded();
        let markup = html! {
            tr data-column=(if is_forgery { "accepted" } else { column }) data-file=[is_forgery.then_some("forged.csv")] {
                (label(text))
                @for (client, cell) in clients.iter().zip(&cells) {
                    td data-row=(self.row(client, is_forgery.then_some(column))) {
                        @if diverges(client) { "no limit *" } @else {
                            (number(cell, &show(column, cell, self.saved.scenario.currency.as_deref())))
                        }
                    }
                }
                @if self.with_ratio() {
                    td class="ratio" { @if !is_forgery && !clients.iter().any(|client| diverges(client)) { (self.ratio(column, &clients, &cells)) } }
                }
            }
        };
        Some(Row { section, markup })
    }

    /// The row of a client, or of what it was told by forgers of a kind.
    fn row(&self, client: &Client, kind: Option<&str>) -> String {
        let whose = [("engine", self.engine.engine.as_str()), ("client", client.name.as_str())];
        row_key(&whose.into_iter().chain(kind.map(|kind| ("kind", kind))).collect::<Vec<_>>())
    }

    /// The second client against the first: as in comparison.csv, or the quotient of the two cells beside it.
    fn ratio(&self, column: &str, clients: &[&Client], cells: &[Cell]) -> Markup {
        let ([_, second], [first_cell, second_cell]) = (clients, cells) else { return html! {} };
        let compared = |row: &&Comparison| row.metric == column && row.client == second.name;
        if let Some(row) = self.engine.comparison.iter().find(compared) {
            let key = row_key(&[("engine", &row.engine), ("metric", column), ("client", &row.client)]);
            return ratio(&row.ratio, |cell, shown| sourced("comparison.csv", &key, "ratio", cell, shown));
        }
        let (Some(one), Some(other)) = (first_cell.value(), second_cell.value()) else { return html! {} };
        if one == 0.0 {
            return html! {};
        }
        let quotient = Cell::Text(significant(other / one));
        html! {
            data value=(quotient.text()) data-row=(self.row(second, None)) data-divided-by=(self.row(clients[0], None)) {
                (human::factor(other / one))
            }
        }
    }
}

/// A factor, where there is one.
fn ratio(cell: &Cell, markup: impl Fn(&Cell, &str) -> Markup) -> Markup {
    match cell.value() {
        Some(value) => markup(cell, &human::factor(value)),
        None => html! {},
    }
}

/// The table of several replications.
struct Replicated<'a> {
    saved: &'a Saved,
    engine: &'a Engine,
    all: &'a Replications,
}

impl Replicated<'_> {
    fn table(&self) -> Markup {
        let clients: Vec<&Client> = self.engine.clients.iter().take(CLIENTS_MAX).collect();
        let with_ratio = clients.len() == 2;
        let rows: Vec<Row> =
            replications::table::LINES.iter().filter_map(|line| self.line(line, &clients, with_ratio)).collect();
        let table = html! {
            table class="figures" data-file="statistics.csv" {
                caption { (caption(self.saved, self.engine)) }
                thead {
                    tr {
                        td {}
                        (client_heads(&clients))
                        @if with_ratio { th scope="col" class="ratio" { "ratio " span class="mode" { "second to first" } } }
                    }
                }
                (grouped(rows, 1 + clients.len() + usize::from(with_ratio)))
            }
        };
        html! {
            (scrolling("All figures side by side", &table))
            @if clients.iter().any(|client| self.is_overloaded(client)) {
                p class="note" { "* Overloaded: a mean would say more about the length of the run than about the client." }
            }
        }
    }

    fn is_overloaded(&self, client: &Client) -> bool {
        self.all.is_overloaded(&self.engine.engine, &client.name)
    }

    fn line(&self, line: &replications::table::Line, clients: &[&Client], with_ratio: bool) -> Option<Row> {
        let engine = self.engine.engine.as_str();
        let of = |client: &&Client| self.all.statistic(engine, &client.name, line.metric);
        let statistics: Vec<_> = clients.iter().map(of).collect();
        if line.optional && statistics.iter().flatten().all(|figure| figure.mean.value() == Some(0.0)) {
            return None;
        }
        let currency = self.saved.scenario.currency.as_deref();
        let shown = |cell: &Cell| show(line.metric, cell, currency);
        let diverges = |client: &Client| line.metric == "latency_mean_ms" && self.is_overloaded(client);
        let markup = html! {
            tr {
                (label(line.label))
                @for (client, figure) in clients.iter().zip(&statistics) {
                    td data-row=(row_key(&[("engine", engine), ("client", &client.name), ("metric", line.metric)])) {
                        @match figure {
                            _ if diverges(client) => "no limit *",
                            None => (crate::report::page::figure::NOTHING),
                            Some(figure) => {
                                span data-column="mean" { (number(&figure.mean, &shown(&figure.mean))) }
                                @if figure.ci_low != figure.ci_high {
                                    span class="interval" {
                                        span data-column="ci_low" { (number(&figure.ci_low, &shown(&figure.ci_low))) }
                                        " to "
                                        span data-column="ci_high" { (number(&figure.ci_high, &shown(&figure.ci_high))) }
                                    }
                                }
                            }
                        }
                    }
                }
                @if with_ratio {
                    td class="ratio" { @if !clients.iter().any(|client| diverges(client)) { (self.ratio(line.metric, clients)) } }
                }
            }
        };
        Some(Row { section: line.section, markup })
    }

    fn ratio(&self, metric: &str, clients: &[&Client]) -> Markup {
        let [_, second] = clients else { return html! {} };
        let is_it =
            |row: &&Comparison| row.engine == self.engine.engine && row.metric == metric && row.client == second.name;
        let Some(row) = self.all.comparison.iter().find(is_it) else { return html! {} };
        let key = row_key(&[("engine", &row.engine), ("metric", metric), ("client", &row.client)]);
        ratio(&row.ratio, |cell, shown| sourced("comparison.csv", &key, "ratio", cell, shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::columns::MEASURES;

    #[test]
    fn every_line_stands_in_a_file() {
        let is_measure = |column: &str| MEASURES.iter().any(|known| known.name == column);
        let is_forgery = |column: &str| ForgeryKind::ALL.iter().any(|kind| kind.name() == column);
        for line in table::LINES {
            assert!(is_measure(line.column) || is_forgery(line.column), "{}", line.column);
        }
        assert!(costs::LINES.iter().all(|line| is_measure(line.column)));
        assert!(replications::table::LINES.iter().all(|line| is_measure(line.metric)));
    }
}
