//! `sweep --emit`: prints what lets a scheduler play the sweep, instead of playing it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::cli::{Engine, ScenarioArguments, Scheduler, SweepArguments};
use crate::report::human;
use crate::run::{Failure, builtin};
use crate::sweep::emit::{self, Emission};
use crate::sweep::plan::Plan;

/// How many shards are asked for; none where the sweep is to be played here.
///
/// # Errors
///
/// If the arguments do not go together.
pub(super) fn asked(arguments: &SweepArguments) -> Result<Option<(emit::Scheduler, u32)>, Failure> {
    let refused = |sentence: &str| Err(Failure::Usage(sentence.to_owned()));
    let (emit, shards) = match (arguments.emit, arguments.shards) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return refused("--shards is how many parts --emit makes; to play one of them here, write --shard I/N");
        }
        (Some(_), None) => return refused("--emit needs to know how many parts there are to be, such as --shards 8"),
        (Some(_), Some(0)) => {
            return refused("--shards 0 leaves nothing to play; write how many parts there are to be");
        }
        (Some(emit), Some(shards)) => (emit, shards),
    };
    for (is_there, other) in
        [(arguments.shard.is_some(), "--shard"), (arguments.resume, "--resume"), (arguments.dry_run, "--dry-run")]
    {
        if is_there {
            return refused(&format!("--emit only prints what plays the sweep elsewhere; leave {other} out"));
        }
    }
    let scheduler = match emit {
        Scheduler::Slurm => emit::Scheduler::Slurm,
        Scheduler::Kubernetes => emit::Scheduler::Kubernetes,
        Scheduler::Parallel => emit::Scheduler::Parallel,
    };
    if emit == Scheduler::Kubernetes && arguments.out.is_some() {
        return refused(
            "on Kubernetes the results go to the volume of the manifest, into its top folder; leave --out out",
        );
    }
    Ok(Some((scheduler, shards)))
}

/// The script or the manifest.
///
/// # Errors
///
/// If there are more shards than units, or more than the scheduler takes, or files that the scheduler cannot bring along.
pub(super) fn script(
    arguments: &SweepArguments,
    (scheduler, shards): (emit::Scheduler, u32),
    plan: &Plan,
    out: &Path,
) -> Result<String, Failure> {
    let header = &plan.header;
    let units = header.units();
    if u64::from(shards) > units {
        let runs = human::things(units as f64, "run", "runs");
        return Err(Failure::Usage(format!("{shards} shards are more than the {runs} of the sweep; ask for fewer")));
    }
    let path = &arguments.scenario.file;
    let (file, out) = (as_text(path)?, as_text(out)?);
    // A built-in scenario lies in no folder, and names no files.
    let scenario_dir = match path.parent() {
        Some(folder) if builtin::find(path).is_none() && !folder.as_os_str().is_empty() => Some(as_text(folder)?),
        _ => None,
    };
    let files = if scheduler == emit::Scheduler::Kubernetes { named_files(plan, path)? } else { Vec::new() };
    let rest = rest(arguments);
    let emission = Emission {
        name: &header.scenario.name,
        file,
        text: &header.source.text,
        arguments: &rest,
        shards,
        out,
        scenario_dir,
        files: &files,
    };
    emit::emit(scheduler, &emission).map_err(Failure::Usage)
}

/// The files that the scenario names at any of its points, each with its text.
fn named_files(plan: &Plan, scenario: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut names = plan.template.base().files();
    for point in 0..plan.header.points {
        let scenario = plan.scenario(point).map_err(|problems| Failure::Scenario(Box::new(problems)))?;
        names.extend(scenario.files());
    }
    let folder = scenario.parent().unwrap_or(Path::new(""));
    let text = |name: String| {
        let path = folder.join(&name);
        let refused = |why: &str| Failure::Usage(format!("cannot put {} into a ConfigMap: {why}", path.display()));
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(emit::CONFIG_MAP_MAX + 1).read_to_end(&mut bytes));
        match (read, String::from_utf8(bytes)) {
            (Err(error), _) => Err(refused(&error.to_string())),
            (Ok(length), _) if length as u64 > emit::CONFIG_MAP_MAX => {
                Err(refused("it is larger than the mebibyte that one holds"))
            }
            (Ok(_), Err(_)) => Err(refused("it is not UTF-8 text")),
            (Ok(_), Ok(text)) => Ok((name, text)),
        }
    };
    names.into_iter().map(text).collect()
}

fn as_text(path: &Path) -> Result<&str, Failure> {
    let refused = || Failure::Usage(format!("{} is no text that a script could hold", path.display()));
    path.to_str().ok_or_else(refused)
}

/// The arguments that make the sweep what it is, whoever plays it; the others say where, how, and what is shown.
fn rest(arguments: &SweepArguments) -> Vec<String> {
    let SweepArguments {
        scenario: ScenarioArguments { file: _, sets, seed },
        varied,
        zip,
        replications,
        precision,
        thresholds,
        engine,
        targets,
        along,
        no_crossover,
        yes,
        out: _,
        format: _,
        quiet: _,
        no_color: _,
        threads: _,
        dry_run: _,
        resume: _,
        shard: _,
        emit: _,
        shards: _,
    } = arguments;
    let mut words: Vec<String> = Vec::new();
    // One word with a sign between: what begins with a hyphen is no other option then.
    let mut option = |name: &str, value: &str| words.push(format!("--{name}={value}"));
    sets.iter().for_each(|set| option("set", set));
    seed.iter().for_each(|seed| option("seed", &seed.to_string()));
    engine.iter().copied().map(Engine::name).for_each(|engine| option("engine", engine));
    varied.iter().for_each(|spec| option("vary", spec));
    replications.iter().for_each(|count| option("replications", &count.to_string()));
    precision.iter().for_each(|share| option("precision", share));
    thresholds.iter().for_each(|threshold| option("threshold", threshold));
    targets.iter().for_each(|target| option("target", target));
    along.iter().for_each(|key| option("along", key));
    for (is_there, name) in [(*zip, "zip"), (*no_crossover, "no-crossover"), (*yes, "yes")] {
        if is_there {
            words.push(format!("--{name}"));
        }
    }
    words
}
