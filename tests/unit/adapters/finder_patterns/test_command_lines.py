"""Passwords on command lines, in statements and in elements."""

import pytest


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("curl -u admin:Winter2024! https://x.io", "Winter2024!"),
        ("curl -s --user 'ann:correct horse' https://x.io", "correct horse"),
        ("sshpass -p 'iloveyou2' ssh host", "iloveyou2"),
        ("mysql -u root -ps3cr3tPW shop", "s3cr3tPW"),
        ("redis-cli -h r -a hunter22 ping", "hunter22"),
        ("openssl rsa -in k.pem -passin pass:hunter22", "hunter22"),
        ("net user bob Winter2024! /add", "Winter2024!"),
        ("tool --password letmeinplease x", "letmeinplease"),
        ("password Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("machine github.com login bob password 7sZsqEGP7yNiDqzL", "7sZsqEGP7yNiDqzL"),
        ("CREATE USER x IDENTIFIED BY 'MyD0gSpot';", "MyD0gSpot"),
        ("requirepass qwerty123\n", "qwerty123"),
        ("<password>hunter2!</password>", "hunter2!"),
        ("  db_password: letmeinplease\n", "letmeinplease"),
        ("ansible_become_pass: iloveyou2\n", "iloveyou2"),
        ("set the password to hunter22", "hunter22"),
        ("Kennwort: Winter2024!", "Winter2024!"),
        ("mot de passe : qwerty123", "qwerty123"),
        ("Server=h;User Id=sa;Password=MyD0gSpot;", "MyD0gSpot"),
        ("jdbc:mysql://h/db?user=u&password=MyD0gSpot&ssl=1", "MyD0gSpot"),
        ("jdbc:oracle:thin:scott/MyD0gSpot@//h:1521/x", "MyD0gSpot"),
        ("postgres://u:P@ssw0rd#1@db.example.com/x", "P@ssw0rd#1"),
        ("Cookie: theme=dark; sid=eSSgCTk7qjAPUAZjGNhD9kYc", "eSSgCTk7qjAPUAZjGNhD9kYc"),
        ("JSESSIONID=eH0L2UPGMMcxT77LO79yipQj", "eH0L2UPGMMcxT77LO79yipQj"),
    ],
)
def test_what_a_program_is_given_is_found(found, text, secret):
    assert [(secret, "SECRET")] == found(text)


@pytest.mark.parametrize(
    "text",
    [
        "curl -u $USER:$PASS https://x.io",
        "curl -u user:password https://x.io",
        "docker run -u 1000:1000 -p 8080:80 nginx",
        "mysql -u root -p shop1",
        "ssh -p 2222 host1",
        "PASSWORD=--flag-x",
        "--password $PASSWORD --password-file /run/secrets/pw1",
        "PASS: test_foo1",
        "passwd -l user1",
        "password hashing with bcrypt and sha256",
        "<password>string</password> <password/>",
        "identified by their id2",
        "reset_password: vergessen\n",
        "Cookie: theme=dark; lang=en",
        "postgres://u:****@h",
    ],
)
def test_what_only_names_a_password_is_left_alone(found, text):
    assert [] == found(text)
