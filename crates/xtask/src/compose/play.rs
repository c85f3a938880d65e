//! What is done to the hub in containers.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::images;
use super::project::Project;
use super::steps::Steps;
use super::watched;
use crate::command;

/// Killed after the services, and then stopped in good order.
const ENGINES: [&str; 2] = ["postgres", "kafka"];

/// All of it.
pub(crate) fn all(project: &Project, steps: &mut Steps) -> Result<()> {
    begin(project, steps)?;
    steps.run("a purchase through the edge", || project.play("a_purchase_from_outside"))?;
    steps.run("gRPC-Web and CORS through the edge", || project.play("a_browser_is_served"))?;
    steps.run("nothing internal through the edge", || project.play("the_internal_api_is_not_reached"))?;
    steps.run("no service's password opens another's database", || roles(project))?;
    watched::all(project, steps)?;
    let buyers = project.begin_part("buyers_buy_on", "four buyers buy")?;
    let broken = break_all(project, steps);
    let bought = steps.run("every order acknowledged meanwhile is there, once", || {
        project.end_part(buyers, "buyers_buy_on")
    });
    broken.and(bought)?;
    backup_and_restore(project, steps)?;
    steps.run("a certificate: TLS at the edge", || certificate(project))
}

fn begin(project: &Project, steps: &mut Steps) -> Result<()> {
    let stand_ins = steps.run("images", || images::provide(project.engine()))?;
    match stand_ins.as_slice() {
        [] => println!("    all images are the originals"),
        images => println!("    stand-ins made here, not the originals: {}", images.join(", ")),
    }
    let size = steps.run("the program's image", || project.build_image())?;
    println!("    {size}");
    steps.run("up: two hubs, all healthy", || project.up())?;
    let read =
        ["run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "secrets", "/run/entrepot/my/key.pem"];
    let key = project.compose(&read)?;
    std::fs::write(project.file("key.pem"), key)?;
    steps.run("both hubs' health through their edges", || {
        for edge in ["EDGE", "EDGE_TH"] {
            project.entrepot(&["healthcheck", "--address", &project.address(edge)?])?;
        }
        Ok(())
    })
}

/// The catalog's role, with its own password, at its own database and at the order service's.
fn roles(project: &Project) -> Result<()> {
    let read =
        ["run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "migrate", "/run/entrepot/my/catalog"];
    let password = project.compose(&read)?;
    let ask = |database: &str| {
        let url = format!("postgres://my_catalog:{}@127.0.0.1/{database}", password.trim());
        project.compose(&["exec", "-T", "postgres", "psql", "-qAt", "-c", "select 1", &url])
    };
    ask("my_catalog").context("the catalog's own database")?;
    match ask("my_order") {
        Ok(_) => bail!("the catalog's role reads the order service's database"),
        Err(error) if format!("{error:#}").contains("permission denied") => Ok(()),
        Err(error) => Err(error).context("the order service's database"),
    }
}

fn break_all(project: &Project, steps: &mut Steps) -> Result<()> {
    // Each is started again once its absence has been felt.
    for service in project.services().chain(ENGINES) {
        steps.run(&format!("{service} is killed while buyers buy, and comes back"), || {
            project.container("kill", service)?;
            project.container("start", service)?;
            is_back(project, service)
        })?;
    }
    for service in ENGINES {
        steps.run(&format!("{service} is restarted while buyers buy"), || {
            project.container("restart", service)?;
            is_back(project, service)
        })?;
    }
    Ok(())
}

/// All are healthy, and what waited for the broker is out soon after its return.
fn is_back(project: &Project, service: &str) -> Result<()> {
    project.healthy()?;
    if service == "kafka" { project.play("events_go_out") } else { Ok(()) }
}

fn backup_and_restore(project: &Project, steps: &mut Steps) -> Result<()> {
    let backup = project.file("backup");
    steps.run("the orders settle, and the books are written down", || {
        project.play("the_books_are_written_down")
    })?;
    let before = std::fs::read_to_string(project.file("books"))?;
    steps.run("backup", || project.script("backup.sh", &[&backup]).map(|_| ()))?;
    steps.run("all volumes are thrown away", || project.down())?;
    steps.run("restore into fresh ones", || project.script("restore.sh", &[&backup]).map(|_| ()))?;
    steps.run("the books say the same", || {
        project.play("the_books_are_written_down")?;
        let after = std::fs::read_to_string(project.file("books"))?;
        if before != after {
            bail!("the books were\n{before}\nand are\n{after}");
        }
        Ok(())
    })?;
    steps.run("another purchase", || project.play("a_purchase_from_outside"))
}

/// A certificate that signs itself; asked from within, where curl is.
fn certificate(project: &Project) -> Result<()> {
    let folder = project.file("certificates");
    std::fs::create_dir(&folder)?;
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    openssl.args(["-subj", "/CN=hub.example", "-days", "1", "-keyout"]).arg(folder.join("tls.key"));
    command::output(openssl.arg("-out").arg(folder.join("tls.crt")))?;
    command::output(Command::new("chmod").args(["-R", "a+rX"]).arg(project.file("")))?;
    project.up()?;
    let call = "printf '\\0\\0\\0\\0\\0' | curl -sk --http2 --data-binary @- -o /dev/null -D - \
                -H 'content-type: application/grpc' -H 'te: trailers' \
                https://127.0.0.1:8080/grpc.health.v1.Health/Check";
    let said = project.compose(&["exec", "-T", "edge", "sh", "-c", call])?;
    if !said.starts_with("HTTP/2 200") || !said.contains("grpc-status: 0") {
        bail!("the edge answers over TLS: {said}");
    }
    Ok(())
}
