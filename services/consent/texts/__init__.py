"""The words people read, as data files; read by services.consent.texts.wording."""
