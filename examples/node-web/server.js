// Greets whoever is named in the variable NAME.
const http = require("node:http");
const greet = require("greeting");

const server = http.createServer((request, response) => {
  const found = request.url === "/" || request.url === "/health";
  response.writeHead(found ? 200 : 404, { "content-type": "text/plain; charset=utf-8" });
  response.end(request.url === "/" ? `${greet(process.env.NAME || "Node")}\n` : found ? "ok\n" : "not found\n");
});

server.listen(process.env.PORT, () => console.log(`listening on ${process.env.PORT} (${process.env.NODE_ENV})`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
