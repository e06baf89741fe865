//! A sweep for other machines: the script or manifest that lets an existing scheduler run its shards and merge them.
//!
//! Nothing is scheduled here. Each shard is the same command with another number, and may run twice without harm, so any
//! engine that can run a command will do; these are the usual ones.

use crate::report::TOOL_VERSION;

/// What runs the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// An array of Slurm jobs, and a job that depends on it and merges.
    Slurm,
    /// An Indexed Job of Kubernetes, and a suspended job that merges.
    Kubernetes,
    /// GNU parallel, on this machine or others.
    Parallel,
}

/// A sweep that is to run in shards.
#[derive(Clone, Debug)]
pub struct Emission<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// The file of the scenario as the command line names it.
    pub file: &'a str,
    /// The text of the scenario.
    pub text: &'a str,
    /// What else makes the sweep what it is: the arguments after the file.
    pub arguments: &'a [String],
    /// How many shards.
    pub shards: u32,
    /// The folder for the merged results; the shards go into one below it.
    pub out: &'a str,
}

/// The most tasks that a Slurm array has unless its administrator allows more: MaxArraySize is 1001 by default, and the
/// highest index is one below it.
const SLURM_TASKS_MAX: u32 = 1_000;
/// The most completions of an Indexed Job.
const KUBERNETES_TASKS_MAX: u32 = 100_000;
/// The most that a ConfigMap holds is a mebibyte; the rest is for what surrounds the scenario.
const CONFIG_MAP_MAX: usize = 1_000_000;
/// Job names end up in the names of pods, which may have 63 characters.
const JOB_NAME_MAX: usize = 40;

/// The script or the manifest.
///
/// # Errors
///
/// What the scheduler cannot hold, as a sentence.
pub fn emit(scheduler: Scheduler, emission: &Emission<'_>) -> Result<String, String> {
    let most = match scheduler {
        Scheduler::Slurm => SLURM_TASKS_MAX,
        Scheduler::Kubernetes => KUBERNETES_TASKS_MAX,
        Scheduler::Parallel => u32::MAX,
    };
    if emission.shards > most {
        return Err(format!(
            "{} shards are more than the {most} tasks that the scheduler takes; ask for fewer",
            emission.shards
        ));
    }
    match scheduler {
        Scheduler::Slurm => slurm(emission),
        Scheduler::Kubernetes => kubernetes(emission),
        Scheduler::Parallel => parallel(emission),
    }
}

/// A word of a command for a POSIX shell.
fn quoted(word: &str) -> Result<String, String> {
    let quoted = shlex::try_quote(word).map_err(|_| format!("{word:?} holds a zero byte, which no command can"))?;
    Ok(quoted.into_owned())
}

/// The words of the command that plays the sweep, without the shard, for a shell.
fn command(emission: &Emission<'_>) -> Result<String, String> {
    let words = std::iter::once(emission.file).chain(emission.arguments.iter().map(String::as_str));
    let words: Vec<_> = words.map(quoted).collect::<Result<_, _>>()?;
    Ok(words.join(" "))
}

fn slurm(emission: &Emission<'_>) -> Result<String, String> {
    let (command, out, shards) = (command(emission)?, quoted(emission.out)?, emission.shards);
    let name = quoted(&job_name(emission.name))?;
    Ok(format!(
        r#"#!/usr/bin/env bash
# Submits a sweep of pushpull {TOOL_VERSION} to Slurm: an array of {shards} tasks, one for each shard, and a job that merges
# them into one folder once all have succeeded. Run it where the scenario file is, in a folder that every node sees:
#
#   bash submit.sh [OPTIONS OF SBATCH]          such as --partition=short --time=1:00:00 --cpus-per-task=4
#   SHARDS=3,6 bash submit.sh                   once more, only these shards, and merge
#
# PUSHPULL names the program where it is not in the PATH. A shard may run twice without harm.
set -euo pipefail
export PUSHPULL=${{PUSHPULL:-pushpull}}
export OUT={out}
mkdir -p "$OUT/shards"

array=$(sbatch --parsable --job-name={name} --array="${{SHARDS:-1-{shards}}}" --output="$OUT/shards/slurm-%A_%a.log" "$@" <<'SHARD'
#!/usr/bin/env bash
exec "$PUSHPULL" sweep {command} --shard auto/{shards} --threads "${{SLURM_CPUS_PER_TASK:-1}}" --out "$OUT/shards" --quiet
SHARD
)
array=${{array%%;*}}

# Without this, Slurm would keep a merge for ever whose shards have failed.
merge=$(sbatch --parsable --job-name={name} --dependency="afterok:$array" --kill-on-invalid-dep=yes \
  --output="$OUT/shards/slurm-merge-%j.log" "$@" <<'MERGE'
#!/usr/bin/env bash
exec "$PUSHPULL" merge "$OUT/shards" --out "$OUT" --threads "${{SLURM_CPUS_PER_TASK:-1}}" --quiet
MERGE
)
echo "array $array, merge ${{merge%%;*}}"
"#
    ))
}

fn parallel(emission: &Emission<'_>) -> Result<String, String> {
    let (command, out, shards) = (command(emission)?, quoted(emission.out)?, emission.shards);
    Ok(format!(
        r#"#!/usr/bin/env bash
# Runs a sweep of pushpull {TOOL_VERSION} in {shards} shards with GNU parallel, and merges them into one folder:
#
#   bash run.sh [OPTIONS OF PARALLEL]           such as --jobs 8, or --sshlogin a,b --workdir . on machines that share it
#
# PUSHPULL names the program where it is not in the PATH. Run again, it goes on with the shards that are missing or failed.
set -euo pipefail
export PUSHPULL=${{PUSHPULL:-pushpull}}
export OUT={out}
mkdir -p "$OUT/shards"

shard() {{
  "$PUSHPULL" sweep {command} --shard "$1/{shards}" --threads 1 --out "$OUT/shards" --quiet
}}
export -f shard
parallel --env shard --env PUSHPULL --env OUT --halt soon,fail=1 --joblog "$OUT/shards/parallel.log" --resume-failed "$@" \
  shard ::: $(seq {shards})
"$PUSHPULL" merge "$OUT/shards" --out "$OUT" --quiet
"#
    ))
}

fn kubernetes(emission: &Emission<'_>) -> Result<String, String> {
    if emission.text.len() > CONFIG_MAP_MAX {
        return Err(format!(
            "the scenario has {} bytes, and a ConfigMap of Kubernetes holds a mebibyte; make the file smaller, or put it \
             on the volume by hand",
            emission.text.len()
        ));
    }
    let (name, shards) = (job_name(emission.name), emission.shards);
    let file = config_key(emission.name);
    let mut sweep = vec!["pushpull".to_owned(), "sweep".into(), format!("/scenario/{file}")];
    sweep.extend(emission.arguments.iter().cloned());
    let shard = format!("auto/{shards}");
    sweep.extend(["--shard", &shard, "--threads", "1", "--out", "/results/shards", "--quiet"].map(Into::into));
    let merge =
        ["pushpull", "merge", "/results/shards", "--out", "/results", "--threads", "1", "--quiet"].map(str::to_owned);
    Ok(format!(
        r#"# A sweep of pushpull {TOOL_VERSION} in {shards} shards: an Indexed Job plays them, and a suspended job merges them.
#
#   kubectl apply -f FILE
#   kubectl wait --for=condition=complete --timeout=24h job/{name}
#   kubectl patch job/{name}-merge --type=merge --patch='{{"spec":{{"suspend":false}}}}'
#
# The image has to hold the program; the volume has to be one that several pods can write to.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  {file}: {text}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {name}
spec:
  accessModes: [ReadWriteMany]
  resources:
    requests:
      storage: 1Gi
---
{shard_job}---
{merge_job}"#,
        text = json(emission.text),
        shard_job = job(
            &name,
            &sweep,
            &format!(
                "  completionMode: Indexed\n  completions: {shards}\n  parallelism: {shards}\n  backoffLimitPerIndex: 3\n"
            ),
            &name
        ),
        merge_job = job(&format!("{name}-merge"), &merge, "  suspend: true\n  backoffLimit: 3\n", &name),
    ))
}

/// A job of one container, which finds the scenario and keeps its results on the volume of that name.
fn job(name: &str, command: &[String], how: &str, volume: &str) -> String {
    // Kubernetes takes $(NAME) in a command for a variable.
    let words: Vec<_> = command.iter().map(|word| json(&word.replace("$(", "$$("))).collect();
    format!(
        r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
{how}  template:
    spec:
      restartPolicy: Never
      containers:
        - name: pushpull
          image: "pushpull:{TOOL_VERSION}"
          command: [{words}]
          resources:
            requests:
              cpu: "1"
              memory: 256Mi
          volumeMounts:
            - name: scenario
              mountPath: /scenario
              readOnly: true
            - name: results
              mountPath: /results
      volumes:
        - name: scenario
          configMap:
            name: {volume}
        - name: results
          persistentVolumeClaim:
            claimName: {volume}
"#,
        words = words.join(", "),
    )
}

/// The name of the file in a ConfigMap, whose keys may hold few characters; results bear the name of the file.
fn config_key(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) { format!("{name}.toml") } else { "scenario.toml".to_owned() }
}

/// A text as JSON, which is YAML as well.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A name that every scheduler takes: small letters, digits and hyphens, with a letter first.
fn job_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let plain: String = name.chars().map(plain).take(JOB_NAME_MAX).collect();
    let trimmed = plain.trim_matches('-');
    if trimmed.is_empty() { "pushpull".to_owned() } else { format!("pushpull-{trimmed}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emission<'a>(arguments: &'a [String]) -> Emission<'a> {
        Emission {
            name: "Rates & intervals",
            file: "my scenarios/rates.toml",
            text: "duration = \"1h\"\n# it's\n",
            arguments,
            shards: 5,
            out: "results/rates",
        }
    }

    #[test]
    fn words_reach_the_program_as_they_were_written() {
        let arguments = ["--set", "client.it's \"$(mine)\" {}.pull.every=2s"].map(str::to_owned);
        for scheduler in [Scheduler::Slurm, Scheduler::Parallel] {
            let script = emit(scheduler, &emission(&arguments)).unwrap();
            let line = script.lines().find(|line| line.contains("\"$PUSHPULL\" sweep ")).unwrap();
            let words = shlex::split(line).unwrap();
            let start = words.iter().position(|word| word == "sweep").unwrap();
            assert_eq!(words[start + 1], "my scenarios/rates.toml");
            assert_eq!(words[start + 2..start + 4], arguments);
        }
        let manifest = emit(Scheduler::Kubernetes, &emission(&arguments)).unwrap();
        assert!(manifest.contains(r#""client.it's \"$$(mine)\" {}.pull.every=2s""#), "{manifest}");
        let zero = ["--set".to_owned(), "title=\0".to_owned()];
        assert!(emit(Scheduler::Slurm, &emission(&zero)).is_err());
    }

    #[test]
    fn names_are_such_as_every_scheduler_takes() {
        for (name, expected) in
            [("Rates & intervals", "pushpull-rates---intervals"), ("ä", "pushpull"), ("a.b", "pushpull-a-b")]
        {
            assert_eq!(job_name(name), expected);
        }
        assert!(job_name(&"x".repeat(200)).len() < 63);
    }

    #[test]
    fn what_a_scheduler_cannot_hold_is_refused() {
        let many = |shards| Emission { shards, ..emission(&[]) };
        assert!(emit(Scheduler::Slurm, &many(1_000)).is_ok());
        assert!(emit(Scheduler::Slurm, &many(1_001)).is_err());
        assert!(emit(Scheduler::Parallel, &many(1_001)).is_ok());
        let long = "#".repeat(CONFIG_MAP_MAX + 1);
        assert!(emit(Scheduler::Kubernetes, &Emission { text: &long, ..emission(&[]) }).is_err());
    }
}
