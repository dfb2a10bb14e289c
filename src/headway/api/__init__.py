"""Operations without a transport: what can be asked of a panel, what it takes, and how it is performed."""
