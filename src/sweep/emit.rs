//! A sweep for other machines: the script or manifest that lets an existing scheduler run its shards and merge them.
//!
//! Nothing is scheduled here. Each shard is the same command with another number, and may run twice without harm, so any
//! engine that can run a command will do; these are the usual ones.

use crate::report::TOOL_VERSION;
use crate::sweep::shard::SHARDS_MAX;

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
    /// The folder of the scenario file, where it is not the one in which the command was called.
    pub scenario_dir: Option<&'a str>,
    /// The files that the scenario names, at any point, each with its text.
    pub files: &'a [(String, String)],
}

/// The most tasks that a Slurm array has unless its administrator allows more: MaxArraySize is 1001 by default, and the
/// highest index is one below it.
const SLURM_TASKS_MAX: u32 = 1_000;
/// The most completions of an Indexed Job.
const KUBERNETES_TASKS_MAX: u32 = 100_000;
/// The most that a ConfigMap holds is a mebibyte; the rest is for what surrounds the scenario.
pub const CONFIG_MAP_MAX: u64 = 1_000_000;
/// The option of `merge` that names the folder of the scenario file.
const SCENARIO_DIR: &str = "--scenario-dir";
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
        Scheduler::Parallel => SHARDS_MAX,
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

/// What `merge` has to be told to find the files that the scenario names, for a shell.
fn whereabouts(emission: &Emission<'_>) -> Result<String, String> {
    let option = |folder| quoted(&format!("{SCENARIO_DIR}={folder}")).map(|option| format!(" {option}"));
    emission.scenario_dir.map_or_else(|| Ok(String::new()), option)
}

fn slurm(emission: &Emission<'_>) -> Result<String, String> {
    let (command, out, shards) = (command(emission)?, quoted(emission.out)?, emission.shards);
    let whereabouts = whereabouts(emission)?;
    let name = quoted(&job_name(emission.name))?;
    Ok(format!(
        r#"#!/usr/bin/env bash
# Submits a sweep of pushpull {TOOL_VERSION} to Slurm: an array of {shards} tasks, one for each shard, and a job that merges
# them into one folder once all have succeeded. Run it in the folder in which it was made, which every node has to see:
#
#   bash submit.sh [OPTIONS OF SBATCH]          such as --partition=short --time=1:00:00 --cpus-per-task=4
#   SHARDS=3,6 bash submit.sh                   once more, only these shards, and merge
#
# PUSHPULL names the program where it is not in the PATH. A shard may run twice without harm, and goes on with what is there;
# one of another sweep is refused: delete the folder of the shards to begin anew.
set -euo pipefail
export PUSHPULL=${{PUSHPULL:-pushpull}}
export OUT={out}
mkdir -p "$OUT/shards"

array=$(sbatch --parsable --job-name={name} --array="${{SHARDS:-1-{shards}}}" --output="$OUT/shards/slurm-%A_%a.log" "$@" <<'SHARD'
#!/usr/bin/env bash
exec "$PUSHPULL" sweep {command} --shard auto/{shards} --threads "${{SLURM_CPUS_PER_TASK:-1}}" --out "$OUT/shards" --resume --quiet
SHARD
)
array=${{array%%;*}}

# Without this, Slurm would keep a merge for ever whose shards have failed.
merge=$(sbatch --parsable --job-name={name} --dependency="afterok:$array" --kill-on-invalid-dep=yes \
  --output="$OUT/shards/slurm-merge-%j.log" "$@" <<'MERGE'
#!/usr/bin/env bash
exec "$PUSHPULL" merge "$OUT/shards" --out "$OUT"{whereabouts} --threads "${{SLURM_CPUS_PER_TASK:-1}}" --quiet
MERGE
)
echo "array $array, merge ${{merge%%;*}}"
"#
    ))
}

fn parallel(emission: &Emission<'_>) -> Result<String, String> {
    let (command, out, shards) = (command(emission)?, quoted(emission.out)?, emission.shards);
    let whereabouts = whereabouts(emission)?;
    Ok(format!(
        r#"#!/usr/bin/env bash
# Runs a sweep of pushpull {TOOL_VERSION} in {shards} shards with GNU parallel, and merges them into one folder. Run it in the folder
# in which it was made:
#
#   bash run.sh [OPTIONS OF PARALLEL]           such as --jobs 8, or --sshlogin a,b --workdir . on machines that share it
#
# PUSHPULL names the program where it is not in the PATH. Run again, it goes on with what is missing, and refuses shards of
# another sweep: delete the folder of the shards to begin anew.
set -euo pipefail
export PUSHPULL=${{PUSHPULL:-pushpull}}
export OUT={out}
mkdir -p "$OUT/shards"

shard() {{
  "$PUSHPULL" sweep {command} --shard "$1/{shards}" --threads 1 --out "$OUT/shards" --resume --quiet
}}
export -f shard
parallel --env shard --env PUSHPULL --env OUT --halt soon,fail=1 --joblog "$OUT/shards/parallel.log" "$@" \
  shard ::: $(seq {shards})
"$PUSHPULL" merge "$OUT/shards" --out "$OUT"{whereabouts} --quiet
"#
    ))
}

fn kubernetes(emission: &Emission<'_>) -> Result<String, String> {
    let (name, shards) = (job_name(emission.name), emission.shards);
    let mounted = Mounted::of(emission)?;
    let mut sweep = vec!["pushpull".to_owned(), "sweep".into(), format!("/scenario/{}", mounted.scenario)];
    sweep.extend(emission.arguments.iter().cloned());
    let shard = format!("auto/{shards}");
    sweep.extend(
        ["--shard", &shard, "--threads", "1", "--out", "/results/shards", "--resume", "--quiet"].map(Into::into),
    );
    let merge = ["pushpull", "merge", "/results/shards", "--out", "/results", SCENARIO_DIR, "/scenario"];
    let merge: Vec<_> = merge.into_iter().chain(["--threads", "1", "--quiet"]).map(str::to_owned).collect();
    let volumes = mounted.volumes(&name);
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
{data}---
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
        data = mounted.data(),
        shard_job = job(
            &name,
            &sweep,
            &format!(
                "  completionMode: Indexed\n  completions: {shards}\n  parallelism: {shards}\n  backoffLimitPerIndex: 3\n"
            ),
            &volumes
        ),
        merge_job = job(&format!("{name}-merge"), &merge, "  suspend: true\n  backoffLimit: 3\n", &volumes),
    ))
}

/// What the pods find below `/scenario`: a ConfigMap with the scenario file and those that it names.
struct Mounted {
    /// The key of the scenario file, and its name.
    scenario: String,
    /// Each key with its path and its text.
    files: Vec<(String, String, String)>,
}

impl Mounted {
    fn of(emission: &Emission<'_>) -> Result<Self, String> {
        let scenario = config_key(emission.name);
        let mut files = vec![(scenario.clone(), scenario.clone(), emission.text.to_owned())];
        for (number, (path, text)) in (1..).zip(emission.files) {
            let parts = std::path::Path::new(path).components();
            if !parts.into_iter().all(|part| matches!(part, std::path::Component::Normal(_))) {
                return Err(format!(
                    "the scenario names the file {path}, which is not below its own folder, where a pod could find it; move \
                     it there, and name it by its path from there"
                ));
            }
            files.push((format!("file-{number}"), path.clone(), text.clone()));
        }
        let bytes: u64 = files.iter().map(|(_, _, text)| text.len() as u64).sum();
        if bytes > CONFIG_MAP_MAX {
            let of_all = if emission.files.is_empty() { "" } else { " with the files that it names" };
            return Err(format!(
                "the scenario{of_all} has {bytes} bytes, and a ConfigMap of Kubernetes holds a mebibyte; make the files \
                 smaller, or write a job that finds them on a volume (--emit with a small one shows how)"
            ));
        }
        Ok(Self { scenario, files })
    }

    /// The entries of the ConfigMap.
    fn data(&self) -> String {
        self.files.iter().map(|(key, _, text)| format!("  {key}: {}\n", json(text))).collect()
    }

    /// The volumes of a pod: this ConfigMap and the claim for the results, both of that name.
    fn volumes(&self, name: &str) -> String {
        let item = |(key, path, _): &(String, String, String)| {
            format!("              - key: {key}\n                path: {}\n", json(path))
        };
        let items: String = self.files.iter().map(item).collect();
        format!(
            "        - name: scenario\n          configMap:\n            name: {name}\n            items:\n{items}        \
             - name: results\n          persistentVolumeClaim:\n            claimName: {name}\n"
        )
    }
}

/// A job of one container, which finds the scenario and keeps its results on these volumes.
fn job(name: &str, command: &[String], how: &str, volumes: &str) -> String {
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
{volumes}"#,
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
            scenario_dir: Some("my scenarios"),
            files: &[],
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
            let line = script.lines().find(|line| line.contains("\"$PUSHPULL\" merge ")).unwrap();
            assert!(shlex::split(line).unwrap().contains(&"--scenario-dir=my scenarios".to_owned()), "{line}");
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
        let long = "#".repeat(CONFIG_MAP_MAX as usize + 1);
        assert!(emit(Scheduler::Kubernetes, &Emission { text: &long, ..emission(&[]) }).is_err());
        for (path, text) in [("long.csv", long.as_str()), ("../other.csv", "1"), ("/etc/other.csv", "1")] {
            let files = [(path.to_owned(), text.to_owned())];
            let refused = emit(Scheduler::Kubernetes, &Emission { files: &files, ..emission(&[]) });
            assert!(refused.is_err(), "{path}");
        }
    }

    #[test]
    fn pods_find_the_files_that_a_scenario_names() {
        let files = [("a/ev.csv".to_owned(), "t\n1\n".to_owned()), ("b \"c\".csv".to_owned(), "2\n".to_owned())];
        let manifest = emit(Scheduler::Kubernetes, &Emission { files: &files, ..emission(&[]) }).unwrap();
        for needle in [
            "  file-1: \"t\\n1\\n\"\n",
            "              - key: file-1\n                path: \"a/ev.csv\"\n",
            "              - key: file-2\n                path: \"b \\\"c\\\".csv\"\n",
            "              - key: scenario.toml\n                path: \"scenario.toml\"\n",
            "\"--scenario-dir\", \"/scenario\"",
        ] {
            assert!(manifest.contains(needle), "{needle} is not in {manifest}");
        }
    }
}
