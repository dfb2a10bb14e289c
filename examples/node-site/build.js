// A very small site generator: puts the pages of src into the frame, and leaves them in dist.
const fs = require("node:fs");
const path = require("node:path");

const frame = fs.readFileSync("src/frame.html", "utf8");
fs.mkdirSync("dist", { recursive: true });
for (const name of fs.readdirSync("src").filter((each) => each.endsWith(".page.html"))) {
  const page = fs.readFileSync(path.join("src", name), "utf8");
  const target = path.join("dist", name.replace(".page.html", ".html"));
  fs.writeFileSync(target, frame.replace("<!-- page -->", page.trim()));
  console.log(`made ${target}`);
}
