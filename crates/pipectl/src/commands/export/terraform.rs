//! `pipectl export --from terraform`: from Terraform's state to manifests, without any request.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use model::terraform::{self, Object, Read, Removed};
use serde_json::{Value, json};

use super::Args;
use crate::cli::Format;
use crate::exit;
use crate::output::{Output, Text};
use crate::render::diagnostics::plural;
use crate::render::json::Envelope;
use crate::render::manifests::line;
use crate::yaml;

/// States are large, but not this large.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What the blocks are for, as a comment above them.
const FORGET: &str = "\
# With these blocks in place of the resources' own, `terraform apply` forgets them and destroys
# nothing. They need Terraform 1.7 or newer.
";

pub(super) fn run(file: &Path, args: &Args, output: Output, format: Format) -> Result<u8> {
    let name = file.display();
    let state = parse(&bytes(file)?).with_context(|| format!("cannot read {name}"))?;
    let read = terraform::read(&state).with_context(|| format!("cannot read {name}"))?;
    if let Some(folder) = &args.out {
        write(folder, &read, args.force, output)?;
    }
    let mut text = Text::new();
    match (format, &args.out) {
        (Format::Json | Format::Ndjson, _) => drop(text.plain(json(&read))),
        (Format::Text | Format::Markdown, None) => {
            text.plain(manifests(&read.objects))
                .plain("\n")
                .plain(comments(&blocks(&read.removed)));
        }
        (Format::Text | Format::Markdown, Some(_)) => {}
    }
    output.data(&text)?;
    tell(&read, output);
    Ok(exit::DONE)
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = || format!("cannot read {}", path.display());
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes).with_context(read)?;
    } else {
        let file = fs::File::open(path).with_context(read)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).with_context(read)?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        bail!("{} is larger than {} MiB", path.display(), MAX_BYTES / 1024 / 1024);
    }
    Ok(bytes)
}

/// An error of the parser tells a position and never what stands there.
fn parse(bytes: &[u8]) -> Result<Value> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("it is UTF-16, as an old PowerShell writes it: write it as UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).context(
        "it is not JSON: `terraform show -json > state.json` writes the file that is read here",
    )
}

fn manifests(objects: &[Object]) -> String {
    objects.iter().map(manifest).collect::<Vec<_>>().join("---\n")
}

fn manifest(object: &Object) -> String {
    let mut text = format!("# From {}.\n", line(&object.resource));
    for secret in &object.secrets {
        let (variable, path) = (&secret.variable, &secret.path);
        // A `String` takes every write.
        let _ = writeln!(text, "# {variable} must hold {path}: the value in Terraform's state.");
    }
    text += &yaml::write(&object.manifest);
    if object.flaws.is_empty() {
        return text;
    }
    let why: Vec<String> =
        object.flaws.iter().map(|flaw| format!("#   {}\n", line(flaw))).collect();
    format!("# This is only a comment:\n{}{}", why.concat(), comments(&text))
}

fn blocks(removed: &[Removed]) -> String {
    let blocks: Vec<String> = removed.iter().map(ToString::to_string).collect();
    format!("{FORGET}\n{}", blocks.join("\n"))
}

fn comments(text: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "#\n".to_owned(),
        line if line.starts_with('#') => format!("{line}\n"),
        line => format!("# {line}\n"),
    });
    lines.collect()
}

fn write(folder: &Path, read: &Read, force: bool, output: Output) -> Result<()> {
    let files = [
        (folder.join("terraform.yaml"), manifests(&read.objects)),
        (folder.join("removed.tf"), blocks(&read.removed)),
    ];
    let other =
        |(path, text): &&(_, String)| fs::read(path).is_ok_and(|there| there != text.as_bytes());
    if let Some((path, _)) = files.iter().find(other).filter(|_| !force) {
        bail!("{} is there with other content: `--force` writes over it", path.display());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (path, text) in &files {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        output.say(format!("wrote {}", path.display()));
    }
    Ok(())
}

fn json(read: &Read) -> String {
    let object = |object: &Object| {
        let secrets = object.secrets.iter();
        json!({
            "resource": object.resource,
            "manifest": object.manifest,
            "flaws": object.flaws,
            "secrets": secrets
                .map(|secret| json!({"path": secret.path, "variable": secret.variable}))
                .collect::<Vec<_>>(),
        })
    };
    let result = json!({
        "objects": read.objects.iter().map(object).collect::<Vec<_>>(),
        "removed": blocks(&read.removed),
        "remarks": read.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "others": read.others,
    });
    Envelope::new("Export", "exported", result).render()
}

fn tell(read: &Read, output: Output) {
    for remark in &read.remarks {
        output.say(format!("note: {}", line(&remark.to_string())));
    }
    let sound = read.objects.iter().filter(|object| object.flaws.is_empty());
    let secrets: usize = sound.clone().map(|object| object.secrets.len()).sum();
    output.say(format!(
        "{} from {}, {} to put into the environment. {} with Terraform.",
        plural(sound.count(), "manifest"),
        plural(read.removed.len(), "resource"),
        plural(secrets, "secret"),
        match read.others {
            0 => "Nothing stays".to_owned(),
            1 => "1 other resource stays".to_owned(),
            others => format!("{others} other resources stay"),
        },
    ));
}
