//! `pipectl sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use sandbox::{ApiDialect, Quirk, Quirks, SandboxOptions, UnknownFields, World};
use tokio::net::TcpListener;

use crate::context::CommandContext;
use crate::embedded_sandbox;
use crate::interruption::Interruption;
use crate::outcome::CommandOutcome;
use crate::output::Output;

pub(crate) struct ServerOptions {
    pub(crate) listen: SocketAddr,
    /// The names of the services that exist.
    pub(crate) services: Vec<String>,
    /// The speed of the sandbox's clock, as a multiple of the real one.
    pub(crate) speed: f64,
    /// The file that keeps the state.
    pub(crate) state: Option<PathBuf>,
    pub(crate) dialect: ApiDialect,
    /// Also refuse requests for which no refusal by the API is known.
    pub(crate) is_strict: bool,
    /// The oddities to switch on, and those to switch off.
    pub(crate) quirks: [Vec<Quirk>; 2],
    pub(crate) unknown_fields: UnknownFields,
    /// Print the rules between fields and the oddities instead.
    pub(crate) shows_rules: bool,
}

/// Serves the embedded API until it is interrupted.
pub(crate) async fn run(context: &CommandContext, args: &ServerOptions) -> Result<CommandOutcome> {
    if args.shows_rules {
        let tables = format!("{}\n{}", sandbox::rules_table(), sandbox::quirks_table());
        return Ok(CommandOutcome::from_text(tables));
    }
    if !args.listen.ip().is_loopback() {
        bail!("--listen {}: the sandbox is for this machine only; use 127.0.0.1", args.listen);
    }
    if !(args.speed.is_finite() && args.speed > 0.0) {
        bail!("--speed {}: must be more than zero", args.speed);
    }
    // Before the greeting: who reads it may end the process at once, and expects its state in the file.
    let interruption = Interruption::from_signals()?;
    let mut world = open_world(args)?;
    let services: Vec<(String, String)> =
        args.services.iter().map(|name| (name.clone(), world.ensure_service(name))).collect();
    let listener = TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    print_instructions(context.output, &listener.local_addr()?.to_string(), &services);
    let world = Arc::new(Mutex::new(world));
    let interrupted = async move { _ = interruption.wait_until_raised().await };
    sandbox::server::serve_world(listener, Arc::clone(&world), args.speed, interrupted).await?;
    if let Some(file) = &args.state {
        embedded_sandbox::store_world(file, &world.lock().unwrap_or_else(PoisonError::into_inner))?;
    }
    Ok(CommandOutcome::default())
}

fn open_world(args: &ServerOptions) -> Result<World> {
    let mut world = match &args.state {
        Some(file) => embedded_sandbox::load_world(file)?,
        None => World::new(SandboxOptions::default()),
    };
    // The quirks are switched one by one, so saved ones are kept. The command line sets all other options.
    let [on, off] = &args.quirks;
    let with = on.iter().fold(world.options().quirks.clone(), |quirks, quirk| quirks.with_quirk(*quirk));
    let quirks: Quirks = off.iter().fold(with, |quirks, quirk| quirks.without_quirk(*quirk));
    world.set_options(SandboxOptions {
        dialect: args.dialect,
        strict_rules: args.is_strict,
        strict_database: args.is_strict,
        refuse_create_only: args.is_strict,
        quirks,
        unknown_fields: args.unknown_fields,
        ..SandboxOptions::default()
    });
    Ok(world)
}

/// Prints the variables to set, as shell commands.
fn print_instructions(output: Output, address: &str, services: &[(String, String)]) {
    output.print_message_line("The sandbox answers until it is interrupted. In another shell:");
    output.print_message_line(format!("  export PIPECTL_API_URL=http://{address}/v1"));
    output.print_message_line(format!("  export CLICKHOUSE_CLOUD_API_KEY={}", sandbox::KEY_ID));
    output.print_message_line(format!("  export CLICKHOUSE_CLOUD_API_SECRET={}", sandbox::KEY_SECRET));
    output.print_message_line(format!("  export PIPECTL_ORGANIZATION={}", sandbox::ORGANIZATION));
    for (name, id) in services {
        output.print_message_line(format!("  # service {name} is {id}"));
    }
}
