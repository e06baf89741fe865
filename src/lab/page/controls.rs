//! The controls: one for each parameter, made from the table.

use maud::{Markup, html};

use crate::lab::parameters::{Group, Name, Parameter, TABLE, Values};

/// All controls, by group. Which of them are shown is up to the lesson.
pub(super) fn render() -> Markup {
    html! {
        form.controls #controls autocomplete="off" data-testid="controls" aria-label="What you can change" {
            @for group in Group::ALL {
                fieldset.group {
                    legend { (group.title()) }
                    @for parameter in TABLE.iter().filter(|parameter| parameter.group == group) { (control(parameter)) }
                }
            }
        }
    }
}

fn control(parameter: &Parameter) -> Markup {
    let (key, id) = (parameter.key, format!("p-{}", parameter.key));
    html! {
        div.control data-parameter=(key) data-testid={ "control-" (key) } {
            label for=(id) { (parameter.label) }
            @match &parameter.values {
                Values::Number(numbers) if parameter.name == Name::Seed => {
                    div.row {
                        input #(id) type="number" inputmode="numeric" min=(numbers.range[0]) max=(numbers.range[1]) step="1"
                            data-testid={ "input-" (key) } aria-describedby={ "h-" (key) };
                        button type="button" data-other-luck="" data-testid="other-luck" { "Other luck" }
                    }
                }
                Values::Number(numbers) => {
                    output for=(id) {}
                    input #(id) type="range" min="0" max=(numbers.stops.len().saturating_sub(1)) step="1"
                        data-testid={ "input-" (key) } aria-describedby={ "h-" (key) };
                }
                Values::Choice { options, .. } => {
                    select #(id) data-testid={ "input-" (key) } aria-describedby={ "h-" (key) } {
                        @for option in *options { option value=(option.key) { (option.label) } }
                    }
                }
            }
            p.help #{ "h-" (key) } { (parameter.help) }
        }
    }
}
