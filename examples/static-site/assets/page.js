document.querySelector("#script").textContent = `Served to you at ${new Date().toLocaleTimeString()}.`;
