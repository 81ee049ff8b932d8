//! Two network namespaces with a cable between them: the hub's and the site's.
//!
//! Called by the tests across programs for what only a real kernel does: packets dropped or
//! rejected by a firewall, a link of 1,280 bytes. Invariants: namespaces and cable go away with the
//! value; nothing outside of them is touched.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};

const HUB: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const SITE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// The hub's port, in a namespace of its own.
const PORT: u16 = 4433;

/// The two namespaces.
#[derive(Debug)]
pub struct Cable {
    hub: String,
    site: String,
}

/// What the site's firewall does with one transport, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// Everything passes.
    Pass,
    /// Dropped without a word.
    Drop,
    /// Refused, as by a firewall that says so.
    Reject,
}

impl Cable {
    /// Two namespaces, joined; or `None` where this machine does not permit namespaces or has no
    /// `nft`, after saying so.
    ///
    /// # Errors
    /// When it does not permit them and `CI=true`: what cannot be checked is a failure then. Or
    /// when it does and something else is wrong.
    pub fn lay() -> Result<Option<Self>> {
        static LAID: AtomicU32 = AtomicU32::new(0);
        let n = LAID.fetch_add(1, Ordering::Relaxed);
        let name = |side: &str| format!("msap-{side}-{}-{n}", std::process::id());
        let cable = Self { hub: name("hub"), site: name("site") };
        if let Err(error) = cable.permitted() {
            if std::env::var_os("CI").is_some_and(|value| value == "true") {
                return Err(error.context("network namespaces are not to be had here, and CI=true"));
            }
            eprintln!("not tested: network namespaces are not to be had here: {error:#}");
            return Ok(None);
        }
        ip(&["-n", &cable.hub, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", &cable.site])?;
        for (namespace, address) in [(&cable.hub, HUB), (&cable.site, SITE)] {
            ip(&["-n", namespace, "link", "set", "lo", "up"])?;
            ip(&["-n", namespace, "addr", "add", &format!("{address}/30"), "dev", "eth0"])?;
            ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
        }
        Ok(Some(cable))
    }

    /// Makes the namespaces, and looks whether there is a firewall in them.
    fn permitted(&self) -> Result<()> {
        ip(&["netns", "add", &self.hub])?;
        ip(&["netns", "add", &self.site])?;
        self.firewall(Firewall::Pass, Firewall::Pass)
    }

    /// The hub's namespace.
    pub fn hub(&self) -> &str {
        &self.hub
    }

    /// The site's namespace.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// Where the hub is to listen.
    pub fn address(&self) -> SocketAddr {
        (HUB, PORT).into()
    }

    /// From now on, this is what the site's firewall does.
    ///
    /// # Errors
    /// When the rules are not taken.
    pub fn firewall(&self, udp: Firewall, tcp: Firewall) -> Result<()> {
        let mut rules = "table inet weather\ndelete table inet weather\ntable inet weather {\n".to_owned();
        for (chain, side) in [("output", "dport"), ("input", "sport")] {
            rules.push_str(&format!("chain {chain} {{ type filter hook {chain} priority 0;\n"));
            for (transport, does, reply) in [("udp", udp, "icmpx port-unreachable"), ("tcp", tcp, "tcp reset")] {
                match does {
                    Firewall::Pass => {}
                    Firewall::Drop => rules.push_str(&format!("{transport} {side} {PORT} drop\n")),
                    Firewall::Reject => rules.push_str(&format!("{transport} {side} {PORT} reject with {reply}\n")),
                }
            }
            rules.push_str("}\n");
        }
        rules.push_str("}\n");
        let mut nft = Command::new("ip");
        nft.args(["netns", "exec", &self.site, "nft", "-f", "-"]);
        run(nft, &rules)
    }

    /// From now on, the cable carries packets of so many bytes.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn mtu(&self, bytes: u32) -> Result<()> {
        [&self.hub, &self.site]
            .iter()
            .try_for_each(|namespace| ip(&["-n", namespace, "link", "set", "eth0", "mtu", &bytes.to_string()]))
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for namespace in [&self.hub, &self.site] {
            // One that was not made cannot be removed, and that is as good.
            ip(&["netns", "del", namespace]).ok();
        }
    }
}

fn ip(args: &[&str]) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(args);
    run(command, "")
}

fn run(mut command: Command, input: &str) -> Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that ended early says why itself.
        stdin.write_all(input.as_bytes()).ok();
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
