// Stands for a package from a registry, so that this example is built without a network.
module.exports = (name) => `Hello, ${name}!`;
