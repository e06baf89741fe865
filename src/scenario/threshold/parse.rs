//! From a text to an [`Expectation`], or to what is wrong with it and where.
//!
//! A side is a sum of products of numbers with units, of `CLIENT.COLUMN` and of `COLUMN`, which is that of each client in
//! turn. A client's name stands bare or in double quotes. As a bare name may hold anything, signs included, the shortest
//! reading that makes sense counts.

use std::ops::Range;

use crate::measure::dimension::Dimension;
use crate::measure::judgement::Comparison;
use crate::scenario::threshold::expression::{ClientColumn, Constant, Expectation, Expression, Operator};
use crate::scenario::threshold::{operand, quantity};
use crate::scenario::units::UnitError;

/// The most parentheses inside one another.
const DEPTH_MAX: usize = 16;

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationError {
    /// What is wrong.
    pub message: String,
    /// The bytes of the text that it is about; may be empty at the end.
    pub span: Range<usize>,
    /// What to write instead.
    pub help: String,
}

pub(super) fn error(message: impl Into<String>, span: Range<usize>, help: impl Into<String>) -> ExpectationError {
    ExpectationError { message: message.into(), span, help: help.into() }
}

impl Expectation {
    /// Reads a threshold such as `webhook.latency_p95 < 2s`, where these are the clients.
    ///
    /// # Errors
    ///
    /// What is wrong with the text: a client or column that is not there, a unit that does not fit, a sign that is missing.
    pub fn parse(text: &str, clients: &[&str]) -> Result<Self, ExpectationError> {
        let mut parser = Parser { text, at: 0, clients, depth: 0 };
        let left = parser.sum()?;
        let comparison = parser.comparison()?;
        let right = parser.sum()?;
        parser.end()?;
        let dimension = alike(&left, &right, "compared")?;
        out_of_range(&left, &right)?;
        let whole = Self { left: left.expression, comparison, right: right.expression, dimension };
        if whole.columns().is_empty() {
            let help = "compare a column of summary.csv, such as webhook.latency_p95 < 2s";
            return Err(error("this says nothing of any client", 0..text.len(), help));
        }
        Ok(whole)
    }
}

/// An expression that was read, and what it is.
pub(super) struct Part {
    expression: Expression,
    dimension: Dimension,
    /// Whether no column is in it.
    is_constant: bool,
    span: Range<usize>,
}

impl Part {
    pub(super) fn constant(constant: Constant, span: Range<usize>) -> Self {
        Self { dimension: constant.dimension, expression: Expression::Constant(constant), is_constant: true, span }
    }

    pub(super) fn column(
        client: Option<&str>,
        column: &'static str,
        span: Range<usize>,
    ) -> Result<Self, ExpectationError> {
        let Some((dimension, _)) = Dimension::of_column(column) else {
            let help = "compare a column of numbers";
            return Err(error(format!("`{column}` is true or false, not a number"), span, help));
        };
        let expression = Expression::Column(ClientColumn { client: client.map(str::to_owned), column });
        Ok(Self { expression, dimension, is_constant: false, span })
    }

    fn join(self, operator: Operator, other: Self, dimension: Dimension) -> Self {
        Self {
            dimension,
            is_constant: self.is_constant && other.is_constant,
            span: self.span.start..other.span.end,
            expression: Expression::Both(Box::new(self.expression), operator, Box::new(other.expression)),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    clients: &'a [&'a str],
    depth: usize,
}

impl Parser<'_> {
    fn rest(&mut self) -> &str {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        &self.text[self.at..]
    }

    /// Takes one of these signs.
    fn sign(&mut self, operators: &[Operator]) -> Option<Operator> {
        let found = *operators.iter().find(|operator| self.rest().starts_with(operator.sign()))?;
        self.at += found.sign().len_utf8();
        Some(found)
    }

    fn sum(&mut self) -> Result<Part, ExpectationError> {
        let mut sum = self.product()?;
        while let Some(operator) = self.sign(&[Operator::Plus, Operator::Minus]) {
            let other = self.product()?;
            let verb = if operator == Operator::Plus { "added" } else { "taken from each other" };
            let dimension = alike(&sum, &other, verb)?;
            sum = sum.join(operator, other, dimension);
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<Part, ExpectationError> {
        let mut product = self.operand()?;
        while self.sign(&[Operator::Times]).is_some() {
            let other = self.operand()?;
            let (operator, dimension) = multiplied(&product, &other)?;
            product = product.join(operator, other, dimension);
        }
        Ok(product)
    }

    fn operand(&mut self) -> Result<Part, ExpectationError> {
        if self.rest().starts_with('(') {
            return self.group();
        }
        let part = operand::take(self.text, self.at, self.clients)?;
        self.at = part.span.end;
        Ok(part)
    }

    fn group(&mut self) -> Result<Part, ExpectationError> {
        let start = self.at;
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let help = format!("at most {DEPTH_MAX} may stand inside one another");
            return Err(error("there are too many parentheses here", start..self.at, help));
        }
        let inner = self.sum()?;
        if !self.rest().starts_with(')') {
            return Err(error("this parenthesis is not closed", start..start + 1, "write a `)` where it ends"));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Part { span: start..self.at, ..inner })
    }

    fn comparison(&mut self) -> Result<Comparison, ExpectationError> {
        const HELP: &str = "write one of <, <=, >, >=, == and != between two sides, such as webhook.latency_p95 < 2s";
        let rest = self.rest();
        let found = Comparison::ALL.into_iter().find(|comparison| rest.starts_with(comparison.sign()));
        let meant = rest.starts_with('=');
        if let Some(comparison) = found {
            self.at += comparison.sign().len();
            return Ok(comparison);
        }
        if meant {
            return Err(error("`=` does not compare", self.at..self.at + 1, "write == for equal, or <="));
        }
        if self.rest().starts_with('/') {
            return Err(operand::no_sign(self.text, self.at));
        }
        let what = if self.at == self.text.len() { "nothing is compared here" } else { "no comparison follows here" };
        Err(error(what, self.at..self.text.len(), HELP))
    }

    fn end(&mut self) -> Result<(), ExpectationError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        let rest = self.at..self.text.len();
        if Comparison::ALL.iter().any(|comparison| self.rest().starts_with(comparison.sign())) {
            let help = "write a threshold of its own for each comparison";
            return Err(error("a threshold has one comparison only", rest, help));
        }
        Err(operand::no_sign(self.text, rest.start))
    }
}

/// What two parts are that stand for the same kind of quantity.
fn alike(left: &Part, right: &Part, verb: &str) -> Result<Dimension, ExpectationError> {
    let is_share_of = |share: &Part, number: &Part| {
        share.dimension == Dimension::Share && number.dimension == Dimension::Number && number.is_constant
    };
    if left.dimension == right.dimension || is_share_of(left, right) {
        return Ok(left.dimension);
    }
    if is_share_of(right, left) {
        return Ok(right.dimension);
    }
    let (left_name, right_name) = (left.dimension.name(), right.dimension.name());
    let message =
        format!("`{}` is {left_name} and `{}` {right_name}: they cannot be {verb}", left.expression, right.expression);
    // The sides are named; the place is that of the one to change, which is a number rather than a column.
    let (wrong, other) = if left.is_constant && !right.is_constant { (left, right) } else { (right, left) };
    Err(error(message, wrong.span.clone(), advice(wrong, other)))
}

/// What to write instead of a part that is not what the other one is.
fn advice(wrong: &Part, other: &Part) -> String {
    if let Expression::Column(ClientColumn { client, column }) = &other.expression
        && wrong.dimension == Dimension::Share
        && let Some(share) = operand::column(&format!("{column}_ratio"))
    {
        let column = ClientColumn { client: client.clone(), column: share };
        return format!("did you mean `{column}`?");
    }
    let number = match &wrong.expression {
        Expression::Constant(constant) if constant.dimension == Dimension::Number => constant.text.as_str(),
        _ => "2",
    };
    match other.dimension {
        Dimension::Time => format!("write a duration, such as {number}s or {number}ms"),
        Dimension::Size => format!("write a size, such as {number} B or {number} KiB"),
        Dimension::Rate => format!("write a rate, such as {number}/s"),
        Dimension::Share => "write a share, such as 5% or 0.05".to_owned(),
        Dimension::Number => "write a number without a unit".to_owned(),
    }
}

/// What becomes of two parts that are multiplied.
fn multiplied(left: &Part, right: &Part) -> Result<(Operator, Dimension), ExpectationError> {
    use Dimension::{Number, Rate, Share, Time};
    let is_factor = |part: &Part| part.dimension == Number && part.is_constant;
    Ok(match (left.dimension, right.dimension) {
        (_, dimension) if is_factor(left) => (Operator::Times, dimension),
        (dimension, _) if is_factor(right) => (Operator::Times, dimension),
        (Share, dimension) | (dimension, Share) => (Operator::Times, dimension),
        (Number, dimension) | (dimension, Number) => (Operator::Times, dimension),
        (Rate, Time) | (Time, Rate) => (Operator::Over, Number),
        (one, other) => {
            let message = format!("{} cannot be multiplied by {}", one.name(), other.name());
            let help = "multiply by a number, or a rate by a duration";
            return Err(error(message, left.span.start..right.span.end, help));
        }
    })
}

/// Says so where a share is compared with a plain number above one, which is meant as a percentage.
fn out_of_range(left: &Part, right: &Part) -> Result<(), ExpectationError> {
    for (share, number) in [(left, right), (right, left)] {
        if share.dimension == Dimension::Share
            && let Expression::Constant(Constant { text, value, dimension: Dimension::Number }) = &number.expression
            && *value > 1.0
        {
            let message = format!("`{}` is a share, which is never above 1", share.expression);
            return Err(error(message, number.span.clone(), format!("write {text}%")));
        }
    }
    Ok(())
}

/// A unit that cannot be read, as what is wrong with the text that it stands in.
pub(super) fn unit_error(text: &str, span: Range<usize>, UnitError { what, help }: UnitError) -> ExpectationError {
    error(format!("`{}` {what}", &text[span.clone()]), span, help)
}

/// Reads a number with a unit that is all of a text.
///
/// # Errors
///
/// If it is none, or something stands behind it.
pub fn constant(text: &str) -> Result<Constant, ExpectationError> {
    let start = text.len() - text.trim_start().len();
    let is_all = |end: usize| text[end..].trim().is_empty();
    match quantity::take(&text[start..]) {
        Some((length, Ok(constant))) if is_all(start + length) => Ok(constant),
        Some((length, Err(what))) if is_all(start + length) => Err(unit_error(text, start..start + length, what)),
        _ => {
            let help = "write a number, with its unit if it has one, such as 5%, 20ms or 3";
            Err(error(format!("`{}` is not a number", text.trim()), 0..text.len(), help))
        }
    }
}
