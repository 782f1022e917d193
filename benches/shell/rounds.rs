//! Rounds: each samples every candidate once, in an order of its own, so that whatever else the machine does meets all.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Something to be sampled, in seconds.
pub struct Candidate<'a> {
    name: String,
    sample: Box<dyn FnMut() -> Result<f64, String> + 'a>,
}

impl<'a> Candidate<'a> {
    /// What `sample` gives is the sample: it has measured for itself.
    pub fn new(name: impl Into<String>, sample: impl FnMut() -> Result<f64, String> + 'a) -> Self {
        Self { name: name.into(), sample: Box::new(sample) }
    }

    /// The time from the command's start to its end, which must be a good one.
    pub fn process(name: impl Into<String>, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self::new(name, move || {
            let started = Instant::now();
            let status = command.status();
            let took = started.elapsed().as_secs_f64();
            match status {
                Ok(status) if status.success() => Ok(took),
                Ok(status) => Err(format!("{command:?}: {status}")),
                Err(error) => Err(format!("{command:?}: {error}")),
            }
        })
    }

    /// The same for a command that speaks into a pipe, as in a shell's substitution: less than a pipe holds.
    pub fn substituted(name: impl Into<String>, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Self::new(name, move || {
            let (_reader, writer) = std::io::pipe().map_err(|error| format!("no pipe: {error}"))?;
            command.stdout(writer);
            let started = Instant::now();
            let status = command.status();
            let took = started.elapsed().as_secs_f64();
            command.stdout(Stdio::null());
            match status {
                Ok(status) if status.success() => Ok(took),
                other => Err(format!("{command:?}: {other:?}")),
            }
        })
    }

    /// The number of nanoseconds that the command prints, from a shell that has measured within itself.
    pub fn measuring(name: impl Into<String>, mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::new(name, move || {
            let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
            let text = String::from_utf8_lossy(&output.stdout);
            match text.trim().parse::<f64>() {
                Ok(nanoseconds) if output.status.success() => Ok(nanoseconds * 1e-9),
                _ => {
                    let error = String::from_utf8_lossy(&output.stderr);
                    Err(format!("{command:?}: {}; it printed {text:?} and {error:?}", output.status))
                }
            }
        })
    }
}

/// The samples of one candidate, a round each.
pub struct Series {
    /// The candidate's.
    pub name: String,
    samples: Vec<f64>,
}

impl Series {
    /// The sample in the middle.
    pub fn median(&self) -> f64 {
        median(self.samples.clone())
    }

    /// The least sample.
    pub fn min(&self) -> f64 {
        self.samples.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The middle of what each round's sample has more than the same round's of `base`.
    pub fn added(&self, base: &Self) -> f64 {
        median(self.samples.iter().zip(&base.samples).map(|(sample, base)| sample - base).collect())
    }

    /// How many times as much as `base`, by the medians.
    pub fn ratio(&self, base: &Self) -> f64 {
        self.median() / base.median()
    }
}

/// Samples all candidates in `count` shuffled rounds, after `warm` that do not count. The series are in their order.
pub fn interleave(warm: usize, count: usize, mut candidates: Vec<Candidate<'_>>) -> Result<Vec<Series>, String> {
    let mut series: Vec<Series> = candidates
        .iter()
        .map(|candidate| Series { name: candidate.name.clone(), samples: Vec::with_capacity(count) })
        .collect();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    for round in 0..warm + count {
        shuffle(&mut order, round);
        for &at in &order {
            let sample = (candidates[at].sample)().map_err(|why| format!("{}: {why}", candidates[at].name))?;
            if round >= warm {
                series[at].samples.push(sample);
            }
        }
    }
    Ok(series)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    let half = samples.len() / 2;
    match samples.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => samples[half],
        _ => f64::midpoint(samples[half - 1], samples[half]),
    }
}

/// Brings `order` into another one: it sorts by random numbers.
fn shuffle(order: &mut [usize], round: usize) {
    let random = RandomState::new();
    order.sort_by_cached_key(|at| {
        let mut hasher = random.build_hasher();
        hasher.write_usize(*at);
        hasher.write_usize(round);
        hasher.finish()
    });
}
